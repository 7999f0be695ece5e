package inverted

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// maxValue is the number of bytes of a string value that filters and facets
// see. What lies behind does not count.
const maxValue = 1024

// A value is what a document holds under a name, in the form in which it is
// compared.
type value struct {
	kind   content.Kind // Bool, Int, Float, Time or String
	number int64        // Bool: 0 or 1; Int: itself; Float: its bits; Time: microseconds since 1970
	text   string
}

// valuesOf turns what a caller gave into values: one, or several from a list.
func valuesOf(v any) ([]value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []value{textValue(v)}, nil
	case bool:
		if v {
			return []value{{kind: content.Bool, number: 1}}, nil
		}
		return []value{{kind: content.Bool}}, nil
	case int:
		return []value{{kind: content.Int, number: int64(v)}}, nil
	case int64:
		return []value{{kind: content.Int, number: v}}, nil
	case float64:
		if v != v {
			return nil, fmt.Errorf("%w: it is not a number (NaN)", content.ErrInvalid)
		}
		return []value{floatValue(v)}, nil
	case time.Time:
		return []value{{kind: content.Time, number: v.UnixMicro()}}, nil
	case []string:
		values := make([]value, len(v))
		for i, s := range v {
			values[i] = textValue(s)
		}
		slices.SortFunc(values, compareValues)
		return slices.Compact(values), nil
	case []any:
		var values []value
		for _, x := range v {
			some, err := valuesOf(x)
			if err != nil {
				return nil, err
			}
			values = append(values, some...)
		}
		slices.SortFunc(values, compareValues)
		return slices.Compact(values), nil
	}
	return nil, fmt.Errorf("%w: a %T cannot be filtered by; use string, bool, int64, float64, time.Time, []string or []any of them", content.ErrInvalid, v)
}

func textValue(s string) value {
	if len(s) > maxValue {
		s = s[:maxValue]
	}
	return value{kind: content.String, text: strings.ToValidUTF8(s, "")}
}

func floatValue(f float64) value {
	return value{kind: content.Float, number: int64(math.Float64bits(f + 0))} // -0 becomes 0
}

func (v value) float() float64 { return math.Float64frombits(uint64(v.number)) }

// compareValues orders values by kind, text last, then by size.
func compareValues(a, b value) int {
	switch {
	case a.kind != b.kind:
		return cmp.Compare(kindIndex(a.kind), kindIndex(b.kind))
	case a.kind == content.String:
		return strings.Compare(a.text, b.text)
	case a.kind == content.Float:
		return cmp.Compare(a.float(), b.float())
	}
	return cmp.Compare(a.number, b.number)
}

// compareNumber orders values as compareValues does, but whole numbers among
// other numbers.
func compareNumber(a, b value) int {
	if a.kind == content.Int && b.kind == content.Float {
		a = floatValue(float64(a.number))
	}
	if a.kind == content.Float && b.kind == content.Int {
		b = floatValue(float64(b.number))
	}
	return compareValues(a, b)
}

// String writes a value as filters take it.
func (v value) String() string {
	switch v.kind {
	case content.Bool:
		return strconv.FormatBool(v.number != 0)
	case content.Int:
		return strconv.FormatInt(v.number, 10)
	case content.Float:
		return strconv.FormatFloat(v.float(), 'f', -1, 64)
	case content.Time:
		at := time.UnixMicro(v.number).UTC()
		if at.Equal(at.Truncate(24 * time.Hour)) {
			return at.Format(time.DateOnly)
		}
		return at.Format(time.RFC3339Nano)
	}
	return v.text
}
