// Generate writes the sample export into the directory given, or the current
// one.
package main

import (
	"fmt"
	"os"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if _, _, err := salesforcetest.WriteDir(dir, salesforcetest.Sample()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
