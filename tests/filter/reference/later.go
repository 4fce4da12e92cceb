//go:build later

package main

import "github.com/hashicorp/go-bexpr"

// The version with `any` and `all`.
func evaluator(filter string, _ any) (func(any) (bool, error), error) {
	evaluator, err := bexpr.CreateEvaluator(filter)
	if err != nil {
		return nil, err
	}
	return func(value any) (bool, error) { return evaluator.Evaluate(value) }, nil
}
