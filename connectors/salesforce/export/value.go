package export

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The functions of this file and of time.go read the text of a field. Each
// ignores surrounding space and returns ok false for an empty field, which is
// no error: an import stores NULL. An error repeats the value, cut to 100
// characters, and says what is wrong with it.

// Text returns s without surrounding space. Nothing else is empty: "NA" and
// "null" are text.
func Text(s string) (v string, ok bool) {
	v = strings.TrimSpace(s)
	return v, v != ""
}

// Bool reads true, 1 and yes as true, false, 0 and no as false, in any case.
func Bool(s string) (v, ok bool, err error) {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return false, false, nil
	case s == "1" || strings.EqualFold(s, "true") || strings.EqualFold(s, "yes"):
		return true, true, nil
	case s == "0" || strings.EqualFold(s, "false") || strings.EqualFold(s, "no"):
		return false, true, nil
	}
	return false, false, fmt.Errorf("bad boolean %q: want true, 1, yes, false, 0 or no", clip(s))
}

// Amount reads a number such as 1250, -12.5, $1,250.00, (1,250.00) or 1.39E8.
// Parentheses make it negative. Commas must stand between groups of three
// digits, and 0 begins none of these: 1,5 and 0,125 are refused, since they may be
// meant as fractions.
func Amount(s string) (v float64, ok bool, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false, nil
	}
	var buf [40]byte
	b, err := plainNumber(buf[:0], s)
	if err == nil {
		v, err = strconv.ParseFloat(string(b), 64)
		if errors.Is(err, strconv.ErrRange) {
			err = errors.New("it is too large")
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("bad number %q: %w", clip(s), err)
	}
	return v, true, nil
}

// Int reads a whole number in the forms of [Amount]; 1000.0 is whole, 1000.5 is
// an error.
func Int(s string) (v int64, ok bool, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false, nil
	}
	var buf [40]byte
	b, err := plainNumber(buf[:0], s)
	if err == nil {
		v, err = wholeNumber(string(b))
	}
	if err != nil {
		return 0, false, fmt.Errorf("bad whole number %q: %w", clip(s), err)
	}
	return v, true, nil
}

var errNotNumber = errors.New("want digits such as 1250, $1,250.00 or -12.5")

// plainNumber appends s in the form that strconv reads: no currency sign, no
// commas, a minus for parentheses.
func plainNumber(b []byte, s string) ([]byte, error) {
	negative := false
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		negative, s = true, strings.TrimSpace(s[1:len(s)-1])
	}
	sign, currency := false, false
	for len(s) > 0 && (s[0] == '-' || s[0] == '+' || s[0] == '$' || s[0] == ' ' && currency) {
		switch s[0] {
		case '-', '+':
			if sign || negative {
				return nil, errNotNumber
			}
			sign = true
			negative = s[0] == '-'
		case '$':
			if currency {
				return nil, errNotNumber
			}
			currency = true
		}
		s = s[1:]
	}
	if negative {
		b = append(b, '-')
	}
	end := strings.IndexAny(s, ".eE")
	if end < 0 {
		end = len(s)
	}
	digits, group, grouped := 0, 0, false
	for i := range end {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			b = append(b, c)
			digits++
			group++
		case c == ',' && (grouped && group == 3 || !grouped && 1 <= group && group <= 3):
			grouped, group = true, 0
		case c == ',':
			return nil, errors.New("commas must separate groups of three digits")
		default:
			return nil, errNotNumber
		}
	}
	if grouped && (group != 3 || b[len(b)-digits] == '0') { // 0,125 is meant as a fraction
		return nil, errors.New("commas must separate groups of three digits")
	}
	rest := s[end:]
	if strings.HasPrefix(rest, ".") {
		n := 1
		for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
			n++
			digits++
		}
		b = append(b, rest[:n]...)
		rest = rest[n:]
	}
	if digits == 0 {
		return nil, errNotNumber
	}
	if rest == "" {
		return b, nil
	}
	// An exponent: programs write large numbers as 1.39E8.
	exp := strings.TrimLeft(rest[1:], "+-")
	if rest[0] != 'e' && rest[0] != 'E' || len(rest)-len(exp) > 2 || len(exp) == 0 || len(exp) > 3 ||
		strings.Trim(exp, "0123456789") != "" {
		return nil, errNotNumber
	}
	return append(b, rest...), nil
}

func wholeNumber(s string) (int64, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != float64(int64(f)) || f > 1<<53 || f < -(1<<53) {
			return 0, errors.New("it is not whole or too large")
		}
		return int64(f), nil
	}
	if strings.Trim(fraction, "0") != "" {
		return 0, errors.New("it has a fraction")
	}
	if whole == "" || whole == "-" {
		whole += "0"
	}
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, errors.New("it is too large")
	}
	return v, nil
}
