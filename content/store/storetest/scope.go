package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// withoutScope are the methods that take none, each with the reason.
var withoutScope = map[string]string{
	"Registry": "it knows types, no records",
	"OpenSeen": "a set of keys belongs to a run, which its caller holds, and shows no records",
}

// Every method takes a Scope and refuses the empty one and those of another
// Authority. A new method is called too, without being named here.
func scopeChecked(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(1)...)
	scopes := map[string]content.Scope{"the zero Scope": {}, "one of another Authority": content.NewAuthority().Mint(w.ID(t), "me")}
	v := reflect.ValueOf(w.Store)
	for i := range v.NumMethod() {
		name, method := v.Type().Method(i).Name, v.Method(i)
		for what, scope := range scopes {
			asked := false
			w.Write(t, func(ctx context.Context, tx *database.Tx) error {
				var args []reflect.Value
				for j := range method.Type().NumIn() {
					in := method.Type().In(j)
					if method.Type().IsVariadic() && j == method.Type().NumIn()-1 {
						continue
					}
					var arg any
					switch in {
					case reflect.TypeFor[context.Context]():
						arg = ctx
					case reflect.TypeFor[*database.Tx]():
						arg = tx
					case reflect.TypeFor[content.Scope]():
						arg, asked = scope, true
					case reflect.TypeFor[*content.Type]():
						arg = w.Company
					case reflect.TypeFor[content.Child]():
						arg = w.Company.Children()[0]
					case reflect.TypeFor[store.Write]():
						arg = func(context.Context, func(context.Context, *database.Tx) error) error {
							t.Errorf("%s writes for %s", name, what)
							return nil
						}
					case reflect.TypeFor[time.Time]():
						arg = time.Now()
					case reflect.TypeFor[store.Batch]():
						arg = store.Batch{Rows: companies(1)}
					case reflect.TypeFor[[]string]():
						arg = []string{"id"}
					default:
						args = append(args, reflect.Zero(in))
						continue
					}
					args = append(args, reflect.ValueOf(arg))
				}
				if !asked {
					if withoutScope[name] == "" {
						t.Errorf("Store.%s takes no Scope", name)
					}
					return nil
				}
				results := method.Call(args)
				err, _ := results[len(results)-1].Interface().(error)
				if !errors.Is(err, content.ErrScope) {
					t.Errorf("Store.%s takes %s: %v", name, what, err)
				}
				for _, r := range results[:len(results)-1] {
					if r.Kind() == reflect.Slice && r.Len() > 0 || r.Kind() == reflect.Interface && !r.IsNil() {
						t.Errorf("Store.%s gives %v to %s", name, r, what)
					}
				}
				return nil
			})
		}
	}
}
