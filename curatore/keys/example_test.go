package keys_test

import (
	"fmt"

	"github.com/curatore/curatore-go/curatore/keys"
)

func ExampleKey_Allows() {
	key := keys.Key{Principal: "crawler", Scopes: []string{keys.Read}}
	fmt.Println(key.Allows(keys.Read), key.Allows(keys.Write))
	// Output: true false
}
