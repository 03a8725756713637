// Says what Argo Rollouts makes of results under a metric's conditions: JSON lines in, a phase for each out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	log "github.com/sirupsen/logrus"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/utils/evaluate"
)

type question struct {
	Success, Failure string
	// Numbers, or null for NaN.
	Result []*float64
	// A web service's answer instead.
	Answer any
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		metric := v1alpha1.Metric{SuccessCondition: asked.Success, FailureCondition: asked.Failure}
		var found any = numbers(asked.Result)
		if asked.Answer != nil {
			found = asked.Answer
		}
		phase, err := evaluate.EvaluateResult(found, metric, *log.NewEntry(log.New()))
		if err != nil {
			fmt.Println("Error", err)
		} else {
			fmt.Println(phase)
		}
	}
}

// As the Prometheus provider hands over a vector.
func numbers(given []*float64) []float64 {
	result := make([]float64, 0, len(given))
	for _, value := range given {
		if value == nil {
			result = append(result, math.NaN())
		} else {
			result = append(result, *value)
		}
	}
	return result
}
