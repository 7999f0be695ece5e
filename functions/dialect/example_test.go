package dialect_test

import (
	"fmt"

	"github.com/curatore/curatore-go/functions/dialect"
)

// A schema with an optional parameter and a bound, for a provider whose strict
// form has neither.
func ExampleCompile() {
	tool, err := dialect.Compile(dialect.OpenAIStrict, dialect.Tool{Name: "list_files", Description: "Lists files.",
		Input: []byte(`{"type":"object","properties":{"limit":{"type":"integer","minimum":1,"default":20}},"additionalProperties":false}`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tool.Strict, string(tool.Input))
	for _, change := range tool.Changes {
		fmt.Println(change.Error())
	}
	// Output:
	// true {"type":"object","properties":{"limit":{"type":["integer","null"],"minimum":1,"description":"Default: 20."}},"additionalProperties":false,"required":["limit"]}
	// limit: default was put into the description (rule keyword)
	// limit: an optional property was written as one that may be null (rule required)
}
