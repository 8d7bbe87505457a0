// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type nodeService struct {
	csi.UnimplementedNodeServer
	store *store
	// One at a time: loop devices are found by looking at all of them.
	loops sync.Mutex
}

func (n *nodeService) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{
		NodeId:             *node,
		AccessibleTopology: &csi.Topology{Segments: map[string]string{topologyName: *node}},
	}, nil
}

func (n *nodeService) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{Capabilities: []*csi.NodeServiceCapability{{
		Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{
			Type: csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER}}}}}, nil
}

func (n *nodeService) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	volume, err := n.store.get(volumes, request.GetVolumeId())
	if err != nil {
		return nil, err
	}
	target := request.GetTargetPath()
	if isMounted(target) {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if request.GetVolumeCapability().GetBlock() != nil {
		return &csi.NodePublishVolumeResponse{}, n.publishDevice(volume, target)
	}
	if volume.Block {
		return nil, status.Error(codes.InvalidArgument, "a block volume has no file system")
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return nil, err
	}
	if err := n.store.mount(volume); err != nil {
		return nil, err
	}
	readOnly := request.GetReadonly() || volume.Shallow != ""
	return &csi.NodePublishVolumeResponse{}, bind(n.store.mountPoint(volume), target, readOnly)
}

func bind(from, to string, readOnly bool) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if readOnly {
		if err := unix.Mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			_ = unix.Unmount(to, 0)
			return err
		}
	}
	return nil
}

// publishDevice: all that use a volume get the same device; two would not see each other's writes.
func (n *nodeService) publishDevice(volume *record, target string) error {
	n.loops.Lock()
	defer n.loops.Unlock()
	image := n.store.shown(volume)
	device, err := deviceOf(image)
	if err != nil {
		return err
	}
	if device == "" {
		if device, err = output("losetup", "--find", "--show", image); err != nil {
			return err
		}
	}
	users := n.users(volume.ID)
	if err := os.MkdirAll(users, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(users, hash(target)), []byte(target), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	_ = file.Close()
	return bind(device, target, false)
}

func (n *nodeService) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if !goodID.MatchString(request.GetVolumeId()) {
		return nil, status.Error(codes.InvalidArgument, "no such id")
	}
	target := request.GetTargetPath()
	if isMounted(target) {
		if err := unix.Unmount(target, 0); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return &csi.NodeUnpublishVolumeResponse{}, n.unpublishDevice(request.GetVolumeId(), target)
}

func (n *nodeService) unpublishDevice(id, target string) error {
	n.loops.Lock()
	defer n.loops.Unlock()
	_ = os.Remove(filepath.Join(n.users(id), hash(target)))
	// It is a folder only of a block volume, and empty when this was the last user.
	if os.Remove(n.users(id)) != nil {
		return nil
	}
	volume, err := n.store.find(volumes, id)
	if err != nil || volume == nil {
		return err
	}
	device, err := deviceOf(n.store.shown(volume))
	if err != nil || device == "" {
		return err
	}
	return run("losetup", "--detach", device)
}

func (n *nodeService) users(id string) string {
	return filepath.Join(n.store.path(volumes, id), "users")
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
