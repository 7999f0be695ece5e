package functions

import "reflect"

// A filler makes the nil slices and maps of a value empty, in place, so that
// they are encoded as [] and {} and not as null. The value must be settable.
// What a handler returned may be shared with other goroutines, so everything
// behind a pointer, slice or map is copied before it is changed.
type filler func(v reflect.Value) (changed bool)

// fillerOf returns the filler of a type that contains no cycle, or nil when it
// holds no slice and no map.
func fillerOf(t reflect.Type) filler {
	if t == timeType || isText(t) || t == numberType || implements(t, marshalerType) {
		return nil
	}
	if t.Implements(schemaType) { // its inside is its own business
		switch t.Kind() {
		case reflect.Slice:
			return nilFiller(reflect.MakeSlice(t, 0, 0))
		case reflect.Map:
			return nilFiller(reflect.MakeMapWithSize(t, 0))
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Slice:
		return sliceFiller(t)
	case reflect.Map:
		return mapFiller(t)
	case reflect.Pointer:
		return pointerFiller(t)
	case reflect.Array:
		inner := fillerOf(t.Elem())
		if inner == nil {
			return nil
		}
		return func(v reflect.Value) bool {
			changed := false
			for i := range v.Len() {
				changed = inner(v.Index(i)) || changed
			}
			return changed
		}
	case reflect.Struct:
		return structFiller(t)
	}
	return nil
}

// nilFiller replaces nil by an empty value, which nobody may write to.
func nilFiller(empty reflect.Value) filler {
	return func(v reflect.Value) bool {
		if !v.IsNil() {
			return false
		}
		v.Set(empty)
		return true
	}
}

func structFiller(t reflect.Type) filler {
	type part struct {
		index int
		fill  filler
	}
	var parts []part
	for i := range t.NumField() {
		field := t.Field(i)
		tag := fieldTag(field)
		if tag.skip || !field.IsExported() && embeddedStruct(field) == nil {
			continue
		}
		fill := fillerOf(field.Type)
		if fill == nil {
			continue
		}
		switch kind := field.Type.Kind(); {
		case tag.has("omitzero"), tag.has("omitempty") && (kind == reflect.Slice || kind == reflect.Map || kind == reflect.Pointer):
			fill = unlessZero(fill)
		}
		parts = append(parts, part{i, fill})
	}
	if len(parts) == 0 {
		return nil
	}
	return func(v reflect.Value) bool {
		changed := false
		for _, p := range parts {
			changed = p.fill(v.Field(p.index)) || changed
		}
		return changed
	}
}

// unlessZero leaves a zero value alone, for a field that is left out then.
// (omitempty never leaves out a struct.)
func unlessZero(fill filler) filler {
	return func(v reflect.Value) bool { return !v.IsZero() && fill(v) }
}

func sliceFiller(t reflect.Type) filler {
	inner := fillerOf(t.Elem())
	empty := reflect.MakeSlice(t, 0, 0)
	return func(v reflect.Value) bool {
		if v.IsNil() {
			v.Set(empty)
			return true
		}
		if inner == nil {
			return false
		}
		changed := false
		target := v
		scratch := reflect.New(t.Elem()).Elem()
		for i := range v.Len() {
			scratch.Set(v.Index(i))
			if !inner(scratch) {
				continue
			}
			if !changed {
				target = reflect.MakeSlice(t, v.Len(), v.Len())
				reflect.Copy(target, v)
				changed = true
			}
			target.Index(i).Set(scratch)
		}
		if changed {
			v.Set(target)
		}
		return changed
	}
}

func mapFiller(t reflect.Type) filler {
	inner := fillerOf(t.Elem())
	return func(v reflect.Value) bool {
		if v.IsNil() {
			v.Set(reflect.MakeMap(t))
			return true
		}
		if inner == nil {
			return false
		}
		var target reflect.Value
		for entries := v.MapRange(); entries.Next(); {
			scratch := reflect.New(t.Elem()).Elem()
			scratch.Set(entries.Value())
			if !inner(scratch) {
				continue
			}
			if !target.IsValid() {
				target = reflect.MakeMapWithSize(t, v.Len())
				for all := v.MapRange(); all.Next(); {
					target.SetMapIndex(all.Key(), all.Value())
				}
			}
			target.SetMapIndex(entries.Key(), scratch)
		}
		if target.IsValid() {
			v.Set(target)
			return true
		}
		return false
	}
}

func pointerFiller(t reflect.Type) filler {
	inner := fillerOf(t.Elem())
	if inner == nil {
		return nil
	}
	return func(v reflect.Value) bool {
		if v.IsNil() {
			return false
		}
		filled, changed := fillCopy(v, inner)
		if changed {
			v.Set(filled)
		}
		return changed
	}
}

// fillCopy fills a copy of what a pointer points to and returns a pointer to it.
func fillCopy(v reflect.Value, fill filler) (reflect.Value, bool) {
	scratch := reflect.New(v.Type().Elem())
	scratch.Elem().Set(v.Elem())
	return scratch, fill(scratch.Elem())
}

// filled returns what a handler returned with nothing in it that is null and
// should be empty: itself or a copy.
func (f *Function) filled(out any) any {
	if f.filler == nil {
		return out
	}
	v := reflect.ValueOf(out)
	if v.IsNil() {
		return out
	}
	if scratch, changed := fillCopy(v, f.filler); changed {
		return scratch.Interface()
	}
	return out
}
