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
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatal(err)
		}
		// As the Prometheus provider hands over a vector.
		result := make([]float64, 0, len(asked.Result))
		for _, value := range asked.Result {
			if value == nil {
				result = append(result, math.NaN())
			} else {
				result = append(result, *value)
			}
		}
		metric := v1alpha1.Metric{SuccessCondition: asked.Success, FailureCondition: asked.Failure}
		phase, err := evaluate.EvaluateResult(result, metric, *log.NewEntry(log.New()))
		if err != nil {
			fmt.Println("Error", err)
		} else {
			fmt.Println(phase)
		}
	}
}
