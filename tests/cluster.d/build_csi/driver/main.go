// SPDX-License-Identifier: Apache-2.0
// A CSI driver for tests: volumes are images, with ext4 in them unless they are for block mode, of
// one node. A snapshot or clone is a copy of the image, of one instant: the file system is frozen
// meanwhile. A volume that is there is also mounted, at FOLDER/volumes/ID/mount, used or not.
// Parameters of a StorageClass or VolumeSnapshotClass make it behave like worse drivers:
//
//	StorageClass         clones: "refuse"          no claim as a data source
//	                     readOnlyMany: "refuse"    no claims that are for readers only
//	VolumeSnapshotClass  fail: TEXT                making a snapshot fails with this text
//	                     readyAfter: SECONDS       a snapshot is cut at once and usable then
//
// A claim for readers only from a snapshot shows the snapshot itself, nothing is copied. Its data
// stay until the last such volume is gone, also when the snapshot is deleted before.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

var (
	name         = flag.String("name", "", "the driver's name")
	node         = flag.String("node", "", "the node's name")
	folder       = flag.String("folder", "", "where volumes and snapshots are kept")
	socket       = flag.String("socket", "", "where the sidecars and kubelet find the driver")
	registrar    = flag.String("registrar", "", "where kubelet finds out about the driver")
	topologyName = "tests.kubectl-backup/node"
)

func main() {
	flag.Parse()
	store, err := openStore(*folder)
	if err != nil {
		log.Fatal(err)
	}
	driver := newServer()
	csi.RegisterIdentityServer(driver, identity{})
	csi.RegisterControllerServer(driver, &controller{store: store})
	csi.RegisterNodeServer(driver, &nodeService{store: store})
	go serve(driver, *socket)

	kubelet := newServer()
	registration.RegisterRegistrationServer(kubelet, registrationService{})
	serve(kubelet, *registrar)
}

func newServer() *grpc.Server {
	return grpc.NewServer(grpc.UnaryInterceptor(
		func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			response, err := handler(ctx, request)
			if err != nil {
				log.Printf("%s: %v", info.FullMethod, err)
			}
			return response, err
		}))
}

func serve(server *grpc.Server, path string) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		log.Fatal(err)
	}
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Serve(listener))
}

type identity struct {
	csi.UnimplementedIdentityServer
}

func (identity) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: *name, VendorVersion: "1"}, nil
}

func (identity) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	response := &csi.GetPluginCapabilitiesResponse{}
	for _, kind := range []csi.PluginCapability_Service_Type{
		csi.PluginCapability_Service_CONTROLLER_SERVICE,
		csi.PluginCapability_Service_VOLUME_ACCESSIBILITY_CONSTRAINTS,
	} {
		response.Capabilities = append(response.Capabilities, &csi.PluginCapability{
			Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: kind}}})
	}
	return response, nil
}

func (identity) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

// Kubelet asks every socket in its folder of plugins what it is.
type registrationService struct {
	registration.UnimplementedRegistrationServer
}

func (registrationService) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: *name, Endpoint: *socket, SupportedVersions: []string{"1.0.0"}}, nil
}

func (registrationService) NotifyRegistrationStatus(_ context.Context, status *registration.RegistrationStatus) (
	*registration.RegistrationStatusResponse, error) {
	log.Printf("registered with kubelet: %v %s", status.PluginRegistered, status.Error)
	return &registration.RegistrationStatusResponse{}, nil
}
