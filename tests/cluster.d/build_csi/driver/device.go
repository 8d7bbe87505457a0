// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func (s *store) mountPoint(volume *record) string {
	return filepath.Join(s.path(volumes, volume.ID), "mount")
}

// mount makes the files of a volume visible at its mount point, if it has any.
func (s *store) mount(volume *record) error {
	point := s.mountPoint(volume)
	if volume.Block || isMounted(point) {
		return nil
	}
	if err := os.MkdirAll(point, 0o755); err != nil {
		return err
	}
	if volume.Shallow != "" {
		return run("mount", "-o", "loop,ro", s.shown(volume), point)
	}
	if err := run("mount", "-o", "loop", s.shown(volume), point); err != nil {
		return err
	}
	// Pods that run as some user must be able to write into a new one.
	if info, err := os.Stat(point); err != nil || info.Mode().Perm() != 0o755 {
		return err
	}
	if content, err := os.ReadDir(point); err != nil || len(content) > 1 {
		return err
	}
	return os.Chmod(point, 0o777)
}

// unmount takes its loop device from a block volume: kubelet takes away its own part of it only
// some time after the pod, and then the device ends.
func (s *store) unmount(volume *record) error {
	if volume.Block {
		device, err := deviceOf(s.shown(volume))
		if err != nil || device == "" {
			return err
		}
		return run("losetup", "--detach", device)
	}
	if !isMounted(s.mountPoint(volume)) {
		return nil
	}
	return unix.Unmount(s.mountPoint(volume), 0)
}

// freeze: until the result is called, the image of a volume is whole and does not change. What
// was written to a device is in its image.
func (s *store) freeze(volume *record) (func(), error) {
	if volume.Shallow != "" {
		return func() {}, nil
	}
	if !volume.Block {
		if err := s.mount(volume); err != nil {
			return nil, err
		}
		point := s.mountPoint(volume)
		unlock := s.lock("freeze " + volume.ID)
		if err := run("fsfreeze", "--freeze", point); err != nil {
			unlock()
			return nil, err
		}
		return func() {
			_ = run("fsfreeze", "--unfreeze", point)
			unlock()
		}, nil
	}
	device, err := deviceOf(s.shown(volume))
	if err != nil || device == "" {
		return func() {}, err
	}
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return func() {}, file.Sync()
}

// deviceOf finds the loop device upon an image; empty when there is none.
func deviceOf(image string) (string, error) {
	shown, err := output("losetup", "--noheadings", "--output", "NAME", "--associated", image)
	device, _, _ := strings.Cut(shown, "\n")
	return strings.TrimSpace(device), err
}

func isMounted(path string) bool {
	content, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(content)) {
		if words := strings.Fields(line); len(words) > 4 && words[4] == path {
			return true
		}
	}
	return false
}
