// Runs prometheus-adapter on the rules of every system of the cluster. The adapter has one configuration and reads it
// once; each system brings a ConfigMap of its own. This program joins them and starts the adapter anew when they change.
//
//	adapter-rules -kubeconfig=FILE -config=FILE -- ADAPTER'S ARGUMENTS
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const (
	object, key, owner = "adapter-rules", "config.yaml", "app.kubernetes.io/managed-by=slipway"
	look               = time.Second
	private            = 0o600
)

// rules is an adapter's configuration; what a rule says is the adapter's business.
type rules struct {
	Rules    []any `json:"rules"`
	External []any `json:"externalRules"`
}

// Without a rule the adapter serves no API, and one that does not answer keeps every namespace of the cluster from ending.
const always = `
rules:
- seriesQuery: up{namespace!="",pod!=""}
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
externalRules:
- seriesQuery: up{namespace!=""}
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
`

// joined reads the ConfigMaps of all namespaces, in the order of their namespaces: the API server sorts them.
func joined(ctx context.Context, client kubernetes.Interface) ([]byte, error) {
	found, err := client.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{
		LabelSelector: owner, FieldSelector: "metadata.name=" + object,
	})
	if err != nil {
		return nil, err
	}
	var all rules
	if err := yaml.Unmarshal([]byte(always), &all); err != nil {
		return nil, err
	}
	for _, one := range found.Items {
		var own rules
		if err := yaml.Unmarshal([]byte(one.Data[key]), &own); err != nil {
			log.Printf("%s/%s: no YAML, left out: %v", one.Namespace, one.Name, err)
			continue
		}
		all.Rules, all.External = append(all.Rules, own.Rules...), append(all.External, own.External...)
	}
	return yaml.Marshal(all)
}

// supervisor runs one adapter at a time, on the rules that it was given last.
type supervisor struct {
	config    string
	arguments []string
	known     []byte
	running   *exec.Cmd
	ended     chan error // nil, which is never ready, while none runs
}

// keep runs the adapter until the context ends, or until the adapter fails.
func (s *supervisor) keep(ctx context.Context, client kubernetes.Interface) error {
	runtime.LockOSThread() // the kernel ends the adapter with the thread that started it
	defer s.stop()
	for {
		wanted, err := joined(ctx, client)
		if err != nil {
			log.Printf("the rules cannot be read, the adapter keeps those that it has: %v", err)
		} else if !bytes.Equal(wanted, s.known) {
			if err := s.restart(wanted); err != nil {
				return err
			}
		}
		select {
		case err := <-s.ended:
			s.running = nil
			return fmt.Errorf("prometheus-adapter ended: %v", err)
		case <-ctx.Done():
			return nil
		case <-time.After(look):
		}
	}
}

func (s *supervisor) restart(wanted []byte) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.config, wanted, private); err != nil {
		return err
	}
	s.stop()
	program := filepath.Join(filepath.Dir(self), "prometheus-adapter")
	command := exec.Command(program, append([]string{"--config=" + s.config}, s.arguments...)...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	s.known, s.running, s.ended = wanted, command, ended
	return nil
}

func (s *supervisor) stop() {
	if s.running == nil {
		return
	}
	_ = s.running.Process.Signal(syscall.SIGTERM)
	<-s.ended
	s.running, s.ended = nil, nil
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "of a user who may list ConfigMaps")
	config := flag.String("config", "", "file for the joined rules")
	flag.Parse()
	access, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	adapter := &supervisor{config: *config, arguments: flag.Args()}
	return adapter.keep(ctx, client)
}

func main() {
	if err := run(); err != nil {
		log.Fatalf("adapter-rules: %v", err)
	}
}
