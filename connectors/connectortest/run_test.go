//go:build !race

package connectortest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

type planet struct {
	content.Record `json:"-"`
	Key            string  `json:"key" db:"planet_key" content:"key"`
	Name           string  `json:"name" db:"name" content:"title"`
	Around         *string `json:"around" db:"around"`
	Star           *string `json:"-" db:"star_id" content:"parent=planet,from=around"`
}

// The simplest of connections keeps what the suite asks for.
func TestRun(t *testing.T) {
	planets := content.Define(content.Spec[planet]{Name: "planet", Label: "Planet"})
	connection := connectors.New(connectors.Spec[struct{}]{Name: "sky", Label: "Sky", Types: []*content.Type{planets}, Replay: connectors.ReplayJSON[struct{}](planets),
		Open: func(_ context.Context, in connectors.Input[struct{}]) (connectors.Session, error) {
			from, to := 0, 30
			if len(in.Files) > 0 { // the import before
				from, to = 5, 25
			}
			return connectors.Streams{connectors.JSON(planets, func(context.Context) iter.Seq2[json.RawMessage, error] {
				return func(yield func(json.RawMessage, error) bool) {
					for i := from; i < to; i++ {
						if !yield(json.RawMessage(fmt.Sprintf(`{"key": "%d", "name": "Planet %d of %d", "around": "%d"}`, i, i, to, i/2)), nil) {
							return
						}
					}
				}
			})}, nil
		}})
	connectortest.Run(t, connectortest.Subject{Connection: connection, Batch: 4, Before: func() []connectors.File { return make([]connectors.File, 1) }})
}
