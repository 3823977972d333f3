// Reads the objects of YAML files into Kubernetes' own types, and refuses fields that these do not have, values of other types,
// and keys that are there twice. Prints how many it read of each kind that it knows, and of each other kind.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

var types = map[string]func() any{
	"ConfigMap":               func() any { return &core.ConfigMap{} },
	"Deployment":              func() any { return &apps.Deployment{} },
	"HorizontalPodAutoscaler": func() any { return &autoscaling.HorizontalPodAutoscaler{} },
	"Ingress":                 func() any { return &networking.Ingress{} },
	"NetworkPolicy":           func() any { return &networking.NetworkPolicy{} },
	"Pod":                     func() any { return &core.Pod{} },
	"PodDisruptionBudget":     func() any { return &policy.PodDisruptionBudget{} },
	"Service":                 func() any { return &core.Service{} },
	"ServiceAccount":          func() any { return &core.ServiceAccount{} },
	"StatefulSet":             func() any { return &apps.StatefulSet{} },
}

func main() {
	faults := []string{}
	known, unknown := map[string]int{}, map[string]int{}
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		for _, document := range regexp.MustCompile(`(?m)^---$`).Split(string(text), -1) {
			if strings.TrimSpace(document) == "" {
				continue
			}
			head := struct{ Kind string }{}
			if err := yaml.Unmarshal([]byte(document), &head); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", path, err))
				continue
			}
			make, ok := types[head.Kind]
			if !ok {
				unknown[head.Kind]++
				continue
			}
			known[head.Kind]++
			if err := yaml.UnmarshalStrict([]byte(document), make()); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s: %v", path, head.Kind, err))
			}
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"faults": faults, "known": known, "unknown": unknown})
}
