package functions

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

// A Duration is a time.Duration that travels as text, such as PT1H30M: the
// duration of RFC 3339 (appendix A), in weeks or in days, hours, minutes and
// whole seconds. Years and months are refused, since they have no fixed length. It is the way to take
// or return a duration, where time.Duration is refused: nobody guesses
// nanoseconds.
type Duration time.Duration

// JSONSchema returns the schema of the text.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Format: "duration", Description: "A duration such as PT1H30M or P2D; no years or months"}
}

// String writes the shortest form, without fractions of a second: PT1H30M.
func (d Duration) String() string {
	rest, sign := time.Duration(d).Truncate(time.Second), ""
	if rest < 0 {
		rest, sign = -rest, "-"
	}
	days, hours, minutes, seconds := rest/(24*time.Hour), rest/time.Hour%24, rest/time.Minute%60, rest/time.Second%60
	text := sign + "P"
	if days > 0 {
		text += fmt.Sprintf("%dD", days)
	}
	switch {
	case hours > 0 && seconds > 0: // the format has no hours and seconds without minutes
		return text + fmt.Sprintf("T%dH%dM%dS", hours, minutes, seconds)
	case hours > 0 && minutes > 0:
		return text + fmt.Sprintf("T%dH%dM", hours, minutes)
	case hours > 0:
		return text + fmt.Sprintf("T%dH", hours)
	case minutes > 0 && seconds > 0:
		return text + fmt.Sprintf("T%dM%dS", minutes, seconds)
	case minutes > 0:
		return text + fmt.Sprintf("T%dM", minutes)
	case seconds > 0 || days == 0:
		return text + fmt.Sprintf("T%dS", seconds)
	}
	return text
}

// MarshalText writes the text of String. A negative duration is an error.
func (d Duration) MarshalText() ([]byte, error) {
	if d < 0 {
		return nil, fmt.Errorf("the duration %s is negative, which the format does not have", time.Duration(d))
	}
	return []byte(d.String()), nil
}

var durationForm = regexp.MustCompile(`^P(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,10})M)?(?:(\d{1,12})S)?)?)$`)

// UnmarshalText reads the text.
func (d *Duration) UnmarshalText(text []byte) error {
	parts := durationForm.FindStringSubmatch(string(text))
	if parts == nil || strings.Join(parts[1:], "") == "" || strings.HasSuffix(string(text), "T") {
		return fmt.Errorf("%q is not a duration such as PT1H30M or P2D; years and months are not accepted", clip(string(text)))
	}
	var total time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseInt("0"+parts[i+1], 10, 64)
		if err != nil || n > int64((1<<63-1-total)/unit) {
			return fmt.Errorf("the duration %q is too long", clip(string(text)))
		}
		total += time.Duration(n) * unit
	}
	*d = Duration(total)
	return nil
}
