// Package ecs replaces the one provider of Traefik that needs the SDKs of three AWS services, a third of Traefik's build time:
// routes come from Kubernetes here. The configuration keeps its place, because Traefik's own names the type.
package ecs

import (
	"errors"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	"github.com/traefik/traefik/v3/pkg/safe"
)

// ProviderName is the provider's name in the configuration.
const ProviderName = "ecs"

// Provider takes no options.
type Provider struct{}

// Init refuses the provider.
func (p *Provider) Init() error {
	return errors.New("this build of Traefik has no ECS provider")
}

// Provide refuses the provider.
func (p *Provider) Provide(chan<- dynamic.Message, *safe.Pool) error {
	return p.Init()
}
