package inverted_test

import (
	"fmt"

	"github.com/curatore/curatore-go/search/inverted"
)

func ExampleQuery_Marks() {
	q := inverted.Parse(`migrating "state of the art" clou`)
	text := "State of the art cloud migrations"
	for _, m := range q.Marks(text) {
		fmt.Println(text[m.Start:m.End])
	}
	// Output:
	// State of the art
	// cloud
	// migrations
}
