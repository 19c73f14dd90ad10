// A dynamic provisioner for a cluster of one node: each volume is a folder of this machine, handed out as a `local`
// PersistentVolume, for which the kubelet applies fsGroup. The folder belongs to root, as the file system of a cloud's
// block volume does: a pod that forgets its fsGroup cannot write here either. Sizes are recorded and not enforced.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const (
	folderMode             = 0o755
	firstRetry, lastRetry  = 250 * time.Millisecond, 30 * time.Second
	healthTimeout, workers = 2 * time.Second, 2
)

// folders makes and removes one folder per volume below root.
type folders struct{ root, node string }

// Provision makes a volume's folder. A claim that this provisioner can never serve gets an event with the reason.
func (f folders) Provision(_ context.Context, asked controller.ProvisionOptions) (
	*v1.PersistentVolume, controller.ProvisioningState, error,
) {
	if err := f.refuse(asked); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	folder := filepath.Join(f.root, asked.PVName)
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	mode := v1.PersistentVolumeFilesystem
	onlyHere := v1.NodeSelectorRequirement{
		Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{f.node},
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: asked.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *asked.StorageClass.ReclaimPolicy,
			AccessModes:                   asked.PVC.Spec.AccessModes,
			VolumeMode:                    &mode,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: asked.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: folder}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{
				{MatchExpressions: []v1.NodeSelectorRequirement{onlyHere}},
			}}},
		},
	}, controller.ProvisioningFinished, nil
}

func (f folders) refuse(asked controller.ProvisionOptions) error {
	if node := asked.SelectedNodeName; node != "" && node != f.node {
		return fmt.Errorf("node %s: volumes are folders of node %s only", node, f.node)
	}
	if asked.PVC.Spec.Selector != nil {
		return errors.New("spec.selector: a volume that is made for the claim has no labels to select: remove it")
	}
	for _, mode := range asked.PVC.Spec.AccessModes {
		if mode == v1.ReadWriteOncePod {
			return fmt.Errorf("spec.accessModes: %s is for CSI volumes only: use %s", mode, v1.ReadWriteOnce)
		}
	}
	return nil
}

// Delete removes the folder of a volume that was made here, and of no other one.
func (f folders) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	local := volume.Spec.Local
	if local == nil || local.Path != filepath.Join(f.root, volume.Name) || !filepath.IsLocal(volume.Name) {
		return &controller.IgnoredError{Reason: "its folder is not one of " + f.root}
	}
	return os.RemoveAll(local.Path)
}

// health answers 200 if claims can be served: the API takes our credentials and the folder of all volumes is there.
func (f folders) health(client kubernetes.Interface) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(request.Context(), healthTimeout)
		defer cancel()
		_, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{Limit: 1})
		if err == nil {
			_, err = os.Stat(f.root)
		}
		if err != nil {
			http.Error(answer, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "credentials for the API")
	name := flag.String("name", "", "the provisioner's name, as storage classes give it")
	root := flag.String("root", "", "folder of all volumes")
	node := flag.String("node", "", "the node whose folders these are")
	listen := flag.String("listen", "", "address and port of /healthz")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *kubeconfig, *name, *listen, folders{root: *root, node: *node}); err != nil {
		klog.ErrorS(err, "volume-provisioner")
		klog.FlushAndExit(klog.ExitFlushTimeout, 1)
	}
}

func run(ctx context.Context, kubeconfig, name, listen string, volumes folders) error {
	if name == "" || volumes.node == "" || !strings.HasPrefix(volumes.root, "/") {
		return errors.New("-name, -node and an absolute -root are needed")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(volumes.root, 0o700); err != nil {
		return err
	}
	provisioner := controller.NewProvisionController(ctx, client, name, volumes,
		controller.LeaderElection(false), // there is one
		controller.Threadiness(workers),
		controller.AddFinalizer(true), // or a volume that somebody deletes by hand would leave its folder
		controller.FailedDeleteThreshold(0),
		controller.RateLimiter(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry)),
	)
	failed := make(chan error, 1)
	http.Handle("/healthz", volumes.health(client))
	server := http.Server{Addr: listen, ReadHeaderTimeout: healthTimeout}
	go func() { failed <- server.ListenAndServe() }()
	go provisioner.Run(ctx)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}
