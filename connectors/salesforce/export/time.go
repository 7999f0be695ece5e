package export

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// DateOrder says which number of a slash date comes first.
type DateOrder int

const (
	Unsettled  DateOrder = iota // not known; slash dates cannot be read
	MonthFirst                  // 02/23/2026
	DayFirst                    // 23/02/2026
)

// String names the order as in "month first".
func (o DateOrder) String() string {
	switch o {
	case MonthFirst:
		return "month first"
	case DayFirst:
		return "day first"
	}
	return "unsettled"
}

// Time reads a date or a point in time, in UTC. The forms are 2026-02-23,
// 2026-02-23 20:55:00 (seconds may be left out), ISO 8601 with T, and slash
// dates with years of two or four digits, followed by nothing, 8:55 PM or
// 20:55[:00]. A zone (Z, +0000, +00:00) is converted; without one the time is
// UTC, as Salesforce writes it. Fractions of seconds are kept. Years of two
// digits from 69 on are in the 1900s, the others in the 2000s, as in POSIX.
// Slash dates are read in the given order only: an error says so when it is
// Unsettled or does not fit.
func Time(s string, order DateOrder) (t time.Time, ok bool, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, false, nil
	}
	c, err := parseClock(s, order)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("bad date %q: %w", clip(s), err)
	}
	return time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second-c.offset, c.nanosecond, time.UTC), true, nil
}

// Date reads the forms of [Time] and returns the calendar date as it is
// written, at midnight UTC; the time of day and the zone are not looked at
// further. Exports write dates with a midnight that means nothing.
func Date(s string, order DateOrder) (t time.Time, ok bool, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, false, nil
	}
	c, err := parseClock(s, order)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("bad date %q: %w", clip(s), err)
	}
	return time.Date(c.year, time.Month(c.month), c.day, 0, 0, 0, 0, time.UTC), true, nil
}

// clock is a point in time as written; offset is in seconds east of UTC.
type clock struct {
	year, month, day                 int
	hour, minute, second, nanosecond int
	offset                           int
}

var errNotDate = errors.New("want a form such as 2026-02-23, 2026-02-23 20:55:00 or 2/23/2026")

func parseClock(s string, order DateOrder) (c clock, err error) {
	if d, ok := parseSlashDate(s); ok {
		switch order {
		case MonthFirst:
			d.clock.month, d.clock.day = d.first, d.second
		case DayFirst:
			d.clock.month, d.clock.day = d.second, d.first
		default:
			return c, ErrDateOrder
		}
		if d.clock.month > 12 {
			return c, fmt.Errorf("there is no month %d, and dates are %v", d.clock.month, order)
		}
		return d.clock, d.clock.check()
	}
	p := parser{s: s}
	c.year = p.number(4, 4)
	p.must('-')
	c.month = p.number(2, 2)
	p.must('-')
	c.day = p.number(2, 2)
	if p.s != "" && !p.bad {
		if !p.may('T') && !p.may('t') {
			p.space()
		}
		p.timeOfDay(&c)
		p.zone(&c)
	}
	if p.bad || p.s != "" {
		return c, errNotDate
	}
	return c, c.check()
}

var monthDays = [...]int{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func (c *clock) check() error {
	switch {
	case c.year < 2: // the first day of the year 1 stands for no time at all
		return fmt.Errorf("there is no year %d", c.year)
	case c.month < 1 || c.month > 12:
		return fmt.Errorf("there is no month %d", c.month)
	case c.day < 1 || c.day > monthDays[c.month],
		c.month == 2 && c.day == 29 && (c.year%4 != 0 || c.year%100 == 0 && c.year%400 != 0):
		return fmt.Errorf("month %d of %d has no day %d", c.month, c.year, c.day)
	case c.hour > 23 || c.minute > 59 || c.second > 59:
		return fmt.Errorf("there is no time %02d:%02d:%02d", c.hour, c.minute, c.second)
	}
	return nil
}

// slashDate is a date whose first two numbers are not yet day and month.
type slashDate struct {
	first, second int
	clock         clock // without month and day
}

// parseSlashDate is true when the whole of s is a slash date, as far as can be
// told without the order: both numbers from 1 to 31, one of them up to 12.
func parseSlashDate(s string) (d slashDate, ok bool) {
	if len(s) < 6 || s[1] != '/' && s[2] != '/' {
		return d, false
	}
	p := parser{s: s}
	d.first = p.number(1, 2)
	p.must('/')
	d.second = p.number(1, 2)
	p.must('/')
	before := len(p.s)
	d.clock.year = p.number(2, 4)
	switch before - len(p.s) {
	case 2:
		if d.clock.year += 2000; d.clock.year >= 2069 {
			d.clock.year -= 100
		}
	case 3:
		p.bad = true
	}
	if p.s != "" && !p.bad {
		p.space()
		p.timeOfDay(&d.clock)
	}
	ok = !p.bad && p.s == "" && d.first >= 1 && d.second >= 1 &&
		max(d.first, d.second) <= 31 && min(d.first, d.second) <= 12
	return d, ok
}

// parser takes pieces off the front of s; bad stays true after a piece that is
// not there.
type parser struct {
	s   string
	bad bool
}

// number takes as many digits as there are, up to most.
func (p *parser) number(least, most int) int {
	n, i := 0, 0
	for i < len(p.s) && i < most && '0' <= p.s[i] && p.s[i] <= '9' {
		n = n*10 + int(p.s[i]-'0')
		i++
	}
	if i < least {
		p.bad = true
	}
	p.s = p.s[i:]
	return n
}

func (p *parser) may(c byte) bool {
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

func (p *parser) must(c byte) {
	if !p.may(c) {
		p.bad = true
	}
}

// space takes one or more spaces, of any kind: programs write a narrow no-break
// space before PM.
func (p *parser) space() {
	rest := strings.TrimSpace(p.s)
	if len(rest) == len(p.s) {
		p.bad = true
	}
	p.s = rest
}

// timeOfDay takes 20:55, 20:55:00, 20:55:00.000 or the first two with AM or PM.
func (p *parser) timeOfDay(c *clock) {
	c.hour = p.number(1, 2)
	p.must(':')
	c.minute = p.number(2, 2)
	if p.may(':') {
		c.second = p.number(2, 2)
		if p.may('.') {
			before := len(p.s)
			c.nanosecond = p.number(1, 9)
			for range 9 - (before - len(p.s)) {
				c.nanosecond *= 10
			}
		}
	}
	half := strings.TrimSpace(p.s)
	if len(half) < 2 || half[1] != 'M' && half[1] != 'm' {
		return
	}
	switch half[0] {
	case 'A', 'a', 'P', 'p':
	default:
		return
	}
	if c.hour < 1 || c.hour > 12 {
		p.bad = true
	}
	c.hour %= 12
	if half[0] == 'P' || half[0] == 'p' {
		c.hour += 12
	}
	p.s = half[2:]
}

// zone takes Z, +00, +0000 or +00:00.
func (p *parser) zone(c *clock) {
	if p.s == "" || p.may('Z') || p.may('z') {
		return
	}
	sign := 1
	if p.may('-') {
		sign = -1
	} else {
		p.must('+')
	}
	hours, minutes := p.number(2, 2), 0
	if p.s != "" {
		p.may(':')
		minutes = p.number(2, 2)
	}
	if hours > 14 || minutes > 59 {
		p.bad = true
	}
	c.offset = sign * (hours*60 + minutes) * 60
}
