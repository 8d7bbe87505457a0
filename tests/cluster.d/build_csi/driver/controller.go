// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type controller struct {
	csi.UnimplementedControllerServer
	store *store
}

func (c *controller) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (
	*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		// For ReadWriteOncePod.
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: kind}}})
	}
	return response, nil
}

func (c *controller) ValidateVolumeCapabilities(_ context.Context, request *csi.ValidateVolumeCapabilitiesRequest) (
	*csi.ValidateVolumeCapabilitiesResponse, error) {
	if _, err := c.store.get(volumes, request.GetVolumeId()); err != nil {
		return nil, err
	}
	return &csi.ValidateVolumeCapabilitiesResponse{
		Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{VolumeCapabilities: request.GetVolumeCapabilities()}}, nil
}

func (c *controller) CreateVolume(_ context.Context, request *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if !goodID.MatchString(request.GetName()) || len(request.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "a name and what the volume is for are needed")
	}
	defer c.store.lock(request.GetName())()
	volume, err := c.store.find(volumes, request.GetName())
	if err != nil {
		return nil, err
	}
	if volume == nil {
		if volume, err = c.makeVolume(request); err != nil {
			return nil, err
		}
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId:           volume.ID,
		CapacityBytes:      volume.Bytes,
		ContentSource:      request.GetVolumeContentSource(),
		AccessibleTopology: []*csi.Topology{{Segments: map[string]string{topologyName: *node}}},
	}}, nil
}

func (c *controller) makeVolume(request *csi.CreateVolumeRequest) (*record, error) {
	volume := &record{ID: request.GetName(), Bytes: request.GetCapacityRange().GetRequiredBytes()}
	readers := true
	for _, capability := range request.GetVolumeCapabilities() {
		volume.Block = capability.GetBlock() != nil
		switch capability.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
			csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY:
		default:
			readers = false
		}
	}
	if readers && request.GetParameters()["readOnlyMany"] == "refuse" {
		return nil, status.Error(codes.InvalidArgument, "volumes for readers only are not supported")
	}
	source, image, err := c.source(request)
	if err != nil {
		return nil, err
	}
	if source != nil {
		if source.Block != volume.Block {
			return nil, status.Error(codes.InvalidArgument, "the source has another volume mode")
		}
		if volume.Bytes < source.Bytes {
			return nil, status.Errorf(codes.OutOfRange, "the source has %d bytes", source.Bytes)
		}
		if readers && source.Volume != "" {
			volume.Shallow = source.ID
		}
	}
	err = c.store.add(volumes, volume, func(to string) error {
		if source != nil && request.GetVolumeContentSource().GetVolume() != nil {
			thaw, err := c.store.freeze(source)
			if err != nil {
				return err
			}
			defer thaw()
		}
		return fill(volume, image, to)
	})
	if err != nil {
		return nil, err
	}
	return volume, c.store.mount(volume)
}

// source of the new volume: its record and its image; no record when it has none.
func (c *controller) source(request *csi.CreateVolumeRequest) (*record, string, error) {
	if snapshot := request.GetVolumeContentSource().GetSnapshot(); snapshot != nil {
		source, err := c.store.get(snapshots, snapshot.GetSnapshotId())
		if err == nil && time.Now().Before(source.Ready) {
			err = status.Error(codes.Unavailable, "the snapshot is not ready")
		}
		return source, c.store.image(snapshots, snapshot.GetSnapshotId()), err
	}
	if volume := request.GetVolumeContentSource().GetVolume(); volume != nil {
		if request.GetParameters()["clones"] == "refuse" {
			return nil, "", status.Error(codes.InvalidArgument, "clones are not supported")
		}
		source, err := c.store.get(volumes, volume.GetVolumeId())
		if err != nil {
			return nil, "", err
		}
		return source, c.store.shown(source), nil
	}
	return nil, "", nil
}

func fill(volume *record, from, to string) error {
	if volume.Shallow != "" {
		return nil
	}
	if from != "" {
		if err := copyImage(from, to); err != nil {
			return err
		}
		return os.Truncate(to, imageSize(volume))
	}
	if err := os.WriteFile(to, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(to, imageSize(volume)); err != nil || volume.Block {
		return err
	}
	return run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", to)
}

// imageSize: whole sectors, and what ext4 with a journal needs at least.
func imageSize(volume *record) int64 {
	size := (volume.Bytes + 511) / 512 * 512
	if !volume.Block {
		size = max(size, 8<<20)
	}
	return size
}

func (c *controller) DeleteVolume(_ context.Context, request *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	defer c.store.lock(request.GetVolumeId())()
	volume, err := c.store.find(volumes, request.GetVolumeId())
	if err != nil || volume == nil {
		return &csi.DeleteVolumeResponse{}, err
	}
	if err := c.store.unmount(volume); err != nil {
		return nil, err
	}
	if err := c.store.remove(volumes, volume.ID); err != nil {
		return nil, err
	}
	if volume.Shallow != "" {
		defer c.store.lock(volume.Shallow)()
		snapshot, err := c.store.find(snapshots, volume.Shallow)
		if err != nil {
			return nil, err
		}
		if snapshot != nil && snapshot.Deleted {
			return &csi.DeleteVolumeResponse{}, c.removeSnapshot(snapshot)
		}
	}
	return &csi.DeleteVolumeResponse{}, nil
}

func (c *controller) CreateSnapshot(_ context.Context, request *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if !goodID.MatchString(request.GetName()) {
		return nil, status.Error(codes.InvalidArgument, "a name is needed")
	}
	if text := request.GetParameters()["fail"]; text != "" {
		return nil, status.Error(codes.Internal, text)
	}
	defer c.store.lock(request.GetName())()
	snapshot, err := c.store.find(snapshots, request.GetName())
	if err != nil {
		return nil, err
	}
	if snapshot == nil {
		if snapshot, err = c.makeSnapshot(request); err != nil {
			return nil, err
		}
	}
	return &csi.CreateSnapshotResponse{Snapshot: show(snapshot)}, nil
}

func (c *controller) makeSnapshot(request *csi.CreateSnapshotRequest) (*record, error) {
	volume, err := c.store.get(volumes, request.GetSourceVolumeId())
	if err != nil {
		return nil, err
	}
	wait, _ := strconv.ParseFloat(request.GetParameters()["readyAfter"], 64)
	now := time.Now()
	snapshot := &record{
		ID: request.GetName(), Bytes: volume.Bytes, Block: volume.Block, Volume: volume.ID,
		Created: now, Ready: now.Add(time.Duration(wait * float64(time.Second)))}
	return snapshot, c.store.add(snapshots, snapshot, func(to string) error {
		thaw, err := c.store.freeze(volume)
		if err != nil {
			return err
		}
		defer thaw()
		return copyImage(c.store.shown(volume), to)
	})
}

func show(snapshot *record) *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: snapshot.ID, SourceVolumeId: snapshot.Volume, SizeBytes: snapshot.Bytes,
		CreationTime: timestamppb.New(snapshot.Created), ReadyToUse: !time.Now().Before(snapshot.Ready)}
}

func (c *controller) DeleteSnapshot(_ context.Context, request *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	defer c.store.lock(request.GetSnapshotId())()
	snapshot, err := c.store.find(snapshots, request.GetSnapshotId())
	if err != nil || snapshot == nil {
		return &csi.DeleteSnapshotResponse{}, err
	}
	return &csi.DeleteSnapshotResponse{}, c.removeSnapshot(snapshot)
}

// removeSnapshot leaves the image to volumes that show it; the last one removes them.
func (c *controller) removeSnapshot(snapshot *record) error {
	all, err := c.store.list(volumes)
	if err != nil {
		return err
	}
	for _, volume := range all {
		if volume.Shallow == snapshot.ID {
			snapshot.Deleted = true
			return c.store.change(snapshots, snapshot)
		}
	}
	return c.store.remove(snapshots, snapshot.ID)
}

func (c *controller) ListSnapshots(_ context.Context, request *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	all, err := c.store.list(snapshots)
	if err != nil {
		return nil, err
	}
	response := &csi.ListSnapshotsResponse{}
	for _, snapshot := range all {
		wanted := (request.GetSnapshotId() == "" || request.GetSnapshotId() == snapshot.ID) &&
			(request.GetSourceVolumeId() == "" || request.GetSourceVolumeId() == snapshot.Volume)
		if wanted && !snapshot.Deleted {
			response.Entries = append(response.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: show(snapshot)})
		}
	}
	return response, nil
}
