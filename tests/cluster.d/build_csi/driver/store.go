// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// record is what is known of a volume or of a snapshot; its image lies beside it.
type record struct {
	ID    string
	Bytes int64
	Block bool
	// Shallow: a volume that shows the data of this snapshot.
	Shallow string `json:",omitempty"`
	// Of a snapshot.
	Volume  string    `json:",omitempty"`
	Created time.Time `json:",omitzero"`
	Ready   time.Time `json:",omitzero"`
	// Deleted: a snapshot that is there only for the volumes that show it.
	Deleted bool `json:",omitempty"`
}

// store keeps a folder for each: FOLDER/{volumes,snapshots}/ID/{record.json,image}. A folder gets
// its name when it is whole, and loses it before it is removed.
type store struct {
	folder string
	mutex  sync.Mutex
	busy   map[string]*sync.Mutex
}

const (
	volumes   = "volumes"
	snapshots = "snapshots"
)

// Sidecars call volumes pvc-UID and snapshots snapshot-UID; these names are good ids.
var goodID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,127}$`)

func openStore(folder string) (*store, error) {
	for _, kind := range []string{volumes, snapshots} {
		if err := os.MkdirAll(filepath.Join(folder, kind), 0o755); err != nil {
			return nil, err
		}
		halves, _ := filepath.Glob(filepath.Join(folder, kind, ".*-*"))
		for _, half := range halves {
			_ = os.RemoveAll(half)
		}
	}
	return &store{folder: folder, busy: map[string]*sync.Mutex{}}, nil
}

// lock makes whoever works at the same volume or snapshot wait; the result is to be called.
func (s *store) lock(id string) func() {
	s.mutex.Lock()
	one := s.busy[id]
	if one == nil {
		one = &sync.Mutex{}
		s.busy[id] = one
	}
	s.mutex.Unlock()
	one.Lock()
	return one.Unlock
}

func (s *store) path(kind, id string) string  { return filepath.Join(s.folder, kind, id) }
func (s *store) image(kind, id string) string { return filepath.Join(s.path(kind, id), "image") }

// shown is the image that a volume shows.
func (s *store) shown(volume *record) string {
	if volume.Shallow != "" {
		return s.image(snapshots, volume.Shallow)
	}
	return s.image(volumes, volume.ID)
}

// find gives nil when there is none.
func (s *store) find(kind, id string) (*record, error) {
	if !goodID.MatchString(id) {
		return nil, nil
	}
	content, err := os.ReadFile(filepath.Join(s.path(kind, id), "record.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := &record{}
	return found, json.Unmarshal(content, found)
}

func (s *store) get(kind, id string) (*record, error) {
	found, err := s.find(kind, id)
	if err == nil && (found == nil || found.Deleted) {
		err = status.Errorf(codes.NotFound, "no %s %q", strings.TrimSuffix(kind, "s"), id)
	}
	return found, err
}

func (s *store) list(kind string) ([]*record, error) {
	entries, err := os.ReadDir(filepath.Join(s.folder, kind))
	if err != nil {
		return nil, err
	}
	var all []*record
	for _, entry := range entries {
		found, err := s.find(kind, entry.Name())
		if err != nil {
			return nil, err
		}
		if found != nil {
			all = append(all, found)
		}
	}
	return all, nil
}

// add makes the image with `fill`, which gets the path where it has to be.
func (s *store) add(kind string, item *record, fill func(image string) error) error {
	half := filepath.Join(s.folder, kind, ".new-"+item.ID)
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.Mkdir(half, 0o755); err != nil {
		return err
	}
	err := fill(filepath.Join(half, "image"))
	if err == nil {
		err = writeRecord(half, item)
	}
	if err == nil {
		err = os.Rename(half, s.path(kind, item.ID))
	}
	if err != nil {
		_ = os.RemoveAll(half)
	}
	return err
}

func (s *store) change(kind string, item *record) error {
	return writeRecord(s.path(kind, item.ID), item)
}

func writeRecord(folder string, item *record) error {
	content, err := json.Marshal(item)
	if err != nil {
		return err
	}
	half := filepath.Join(folder, "record.new")
	if err := os.WriteFile(half, content, 0o644); err != nil {
		return err
	}
	return os.Rename(half, filepath.Join(folder, "record.json"))
}

func (s *store) remove(kind, id string) error {
	half := filepath.Join(s.folder, kind, ".old-"+id)
	if err := os.Rename(s.path(kind, id), half); err != nil {
		return err
	}
	return os.RemoveAll(half)
}

// copyImage keeps holes.
func copyImage(from, to string) error {
	return run("cp", "--sparse=always", "--reflink=auto", from, to)
}

func run(program string, words ...string) error {
	_, err := output(program, words...)
	return err
}

func output(program string, words ...string) (string, error) {
	command := exec.Command(program, words...)
	shown, err := command.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("%s: %s", program, strings.TrimSpace(string(failed.Stderr)))
		}
	}
	return strings.TrimSpace(string(shown)), err
}
