// Command mistakes does not compile: it starts jobs in ways in which they would be
// lost.
package main

import (
	"context"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

type (
	report  struct{ Month string }
	cleanUp struct{}
)

func main() {
	var service *jobs.Service
	var scope content.Scope
	ctx := context.Background()
	reports := jobs.Register(service, jobs.Job{Type: "report"}, func(context.Context, *jobs.Task, report) (any, error) { return nil, nil })
	_, _ = service.Submit(ctx, scope, "raport", report{}, jobs.Options{})                                        // by a name
	_, _ = reports.Submit(ctx, scope, cleanUp{}, jobs.Options{})                                                 // with the arguments of another job
	jobs.Register(service, "report", func(context.Context, *jobs.Task, report) (any, error) { return nil, nil }) // without a declaration
}
