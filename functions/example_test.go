package functions_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// A function is declared once; its schema, its validation and its errors
// follow from the Go types.
func Example() {
	type Input struct {
		City string `json:"city" jsonschema:"minLength=1" jsonschema_description:"Name of the city, in English"`
		Unit string `json:"unit,omitempty" jsonschema:"enum=celsius,enum=fahrenheit,default=celsius"`
	}
	type Output struct {
		Degrees float64  `json:"degrees"`
		Alerts  []string `json:"alerts"`
	}
	weather := functions.Define(functions.Spec{
		Name:        "weather",
		Description: "Tells the temperature in a city and the alerts in force there.",
	}, func(ctx context.Context, call *functions.Call, in Input) (Output, error) {
		call.SetMessage("The temperature in %s in %s", in.City, in.Unit)
		return Output{Degrees: 21.5}, nil
	})

	engine, err := functions.NewEngine(functions.Config{}, weather)
	if err != nil {
		fmt.Println(err)
		return
	}
	scope := content.NewAuthority().Mint("an organization", "a user")

	fmt.Println(string(weather.InputSchema()))
	result, err := engine.Call(context.Background(), scope, "weather", json.RawMessage(`{"city":"Oslo"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(result.Data), result.Message)
	_, err = engine.Call(context.Background(), scope, "weather", json.RawMessage(`{"city":"Oslo","unit":"celcius"}`))
	fmt.Println(err)
	// Output:
	// {"properties":{"city":{"type":"string","minLength":1,"description":"Name of the city, in English"},"unit":{"type":"string","enum":["celsius","fahrenheit"],"default":"celsius"}},"additionalProperties":false,"type":"object","required":["city"]}
	// {"degrees":21.5,"alerts":[]} The temperature in Oslo in celsius
	// invalid_arguments: The arguments of weather were refused. unit is "celcius", which does not exist; did you mean "celsius"? Correct them and call again.
}
