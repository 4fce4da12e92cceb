//go:build !later

package main

import "github.com/hashicorp/go-bexpr"

// The version that Consul itself is built with. It knows the types, and refuses what does not fit them.
func evaluator(filter string, like any) (func(any) (bool, error), error) {
	evaluator, err := bexpr.CreateEvaluatorForType(filter, nil, like)
	if err != nil {
		return nil, err
	}
	return evaluator.Evaluate, nil
}
