// Evaluates calls in a Go package and writes down what each of them gave.
//
// Built as a test of the package, which it is laid over: nothing is written into the repository.
// The names are long since the package's own must not be meant. RESULTS is that of probe.py.
package PACKAGE

import (
	qwenagentJSON "encoding/json"
	qwenagentFmt "fmt"
	qwenagentMath "math"
	qwenagentOS "os"
	qwenagentReflect "reflect"
	qwenagentTesting "testing"
	qwenagentTime "time"
)

func TestQwenagentExamples(t *qwenagentTesting.T) {
	// CALLS
}

func qwenagentJudge(id string, call func() (interface{}, interface{})) {
	type verdict struct {
		ID     string `json:"id"`
		Passed bool   `json:"passed"`
		Said   string `json:"said"`
		Trace  string `json:"trace"`
	}
	ended := make(chan verdict, 1)
	go func() {
		defer func() {
			if reason := recover(); reason != nil {
				ended <- verdict{ID: id, Said: qwenagentFmt.Sprintf("panicked: %v", reason)}
			}
		}()
		got, expected := call()
		ended <- verdict{ID: id, Passed: qwenagentSame(got, expected), Said: qwenagentShown(got)}
	}()
	told := verdict{ID: id, Said: "did not end within SECONDS s"}
	select {
	case told = <-ended:
	case <-qwenagentTime.After(SECONDS * qwenagentTime.Second):
	}
	line, _ := qwenagentJSON.Marshal(told)
	name := qwenagentOS.Getenv("QWENAGENT_RESULTS")
	results, err := qwenagentOS.OpenFile(name, qwenagentOS.O_APPEND|qwenagentOS.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer results.Close()
	results.Write(append(line, '\n'))
}

// qwenagentSame compares as a careful test would: numbers with a tolerance, and no items are no
// items, whether or not there is something to hold them.
func qwenagentSame(got, expected interface{}) bool {
	a, isFloat := got.(float64)
	b, isToo := expected.(float64)
	if isFloat && isToo {
		largest := qwenagentMath.Max(1, qwenagentMath.Max(qwenagentMath.Abs(a), qwenagentMath.Abs(b)))
		return a == b || qwenagentMath.Abs(a-b) <= 1e-9*largest
	}
	if qwenagentReflect.DeepEqual(got, expected) {
		return true
	}
	one, other := qwenagentReflect.ValueOf(got), qwenagentReflect.ValueOf(expected)
	if !one.IsValid() || !other.IsValid() || one.Type() != other.Type() {
		return false
	}
	holds := one.Kind() == qwenagentReflect.Slice || one.Kind() == qwenagentReflect.Map
	return holds && one.Len() == 0 && other.Len() == 0
}

func qwenagentShown(got interface{}) string {
	text := qwenagentFmt.Sprintf("gave %#v", got)
	if failure, isError := got.(error); isError {
		text = "gave the error " + failure.Error()
	}
	if len(text) > 200 {
		text = text[:196] + " ..."
	}
	return text
}
