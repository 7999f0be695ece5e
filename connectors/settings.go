package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/curatore/curatore-go/content"
)

// decode gives an input the settings of one import: the defaults, with those in
// their place that the import names. Unknown names are an error.
func decode[S any](defaults S, in Input[json.RawMessage]) (Input[S], error) {
	settings := defaults
	// JSON is decoded into what is there: without a copy, what one import sets
	// in a map would be set for all.
	unshare(reflect.ValueOf(&settings).Elem())
	typed := Input[S]{Instance: in.Instance, Files: in.Files, HTTP: in.HTTP, Now: in.Now, Logger: in.Logger, Run: in.Run, Stored: in.Stored, DryRun: in.DryRun, Objects: in.Objects, ObjectPrefix: in.ObjectPrefix,
		services: in.services, secrets: in.secrets}
	if len(in.Settings) > 0 {
		d := json.NewDecoder(bytes.NewReader(in.Settings))
		d.DisallowUnknownFields()
		if err := d.Decode(&settings); err != nil {
			return typed, fmt.Errorf("%w settings: %v", content.ErrInvalid, err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return typed, fmt.Errorf("%w settings: there is more behind the JSON value", content.ErrInvalid)
		}
	}
	typed.Settings = settings
	if v, ok := any(&typed.Settings).(Validator); ok {
		if err := v.Validate(); err != nil {
			return typed, fmt.Errorf("%w settings: %w", content.ErrInvalid, err)
		}
	}
	return typed, nil
}

// unshare replaces all that JSON can change through a value by copies. Fields
// that JSON does not reach (a client, a function) stay shared.
func unshare(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				unshare(v.Field(i))
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		copied := reflect.New(v.Type().Elem())
		copied.Elem().Set(v.Elem())
		unshare(copied.Elem())
		v.Set(copied)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		for i := range copied.Len() {
			unshare(copied.Index(i))
		}
		v.Set(copied)
	case reflect.Array:
		for i := range v.Len() {
			unshare(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		copied := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(it.Value())
			unshare(value)
			copied.SetMapIndex(it.Key(), value)
		}
		v.Set(copied)
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		value := reflect.New(v.Elem().Type()).Elem()
		value.Set(v.Elem())
		unshare(value)
		v.Set(value)
	}
}
