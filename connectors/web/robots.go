package web

import (
	"strconv"
	"strings"
	"time"
)

// robots is what a robots.txt says to one crawler, by RFC 9309: lines that cannot be
// read are passed over, all groups of a name are one, the longest rule that fits counts,
// and of two as long the one that allows.
type robots struct {
	rules    []robotsRule
	delay    time.Duration // Crawl-delay, which the RFC does not have
	sitemaps []string
}

type robotsRule struct {
	pattern string // with * for anything, and $ at the end
	allow   bool
}

// readRobots reads a file for the crawler with this name.
func readRobots(text, agent string) *robots {
	all := &robots{}
	var own, others robots
	named := false             // there is a group with the name
	var forOwn, forOthers bool // of the group at work
	rules := true              // it has some, so that the next name begins another
	each := func(do func(*robots)) {
		rules = true
		if forOwn {
			do(&own)
		}
		if forOthers {
			do(&others)
		}
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r", "\n")
	for line := range strings.SplitSeq(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		name, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "user-agent":
			if rules {
				forOwn, forOthers, rules = false, false, false
			}
			switch {
			case value == "*":
				forOthers = true
			case strings.EqualFold(product(value), product(agent)):
				forOwn, named = true, true
			}
		case "allow", "disallow":
			rule := robotsRule{canonicalPath(value), len(strings.TrimSpace(name)) == len("allow")}
			each(func(r *robots) {
				if value != "" {
					r.rules = append(r.rules, rule)
				}
			})
		case "crawl-delay":
			seconds, err := strconv.ParseFloat(value, 64)
			each(func(r *robots) {
				if err == nil && seconds > 0 {
					r.delay = time.Duration(min(seconds, maxWait.Seconds()) * float64(time.Second))
				}
			})
		case "sitemap":
			all.sitemaps = append(all.sitemaps, value)
		}
	}
	chosen := others
	if named {
		chosen = own
	}
	all.rules, all.delay = chosen.rules, chosen.delay
	return all
}

// product is the part of a name that tells crawlers apart: "curatore/1.0 (…)" is curatore.
func product(agent string) string {
	if end := strings.IndexAny(agent, " /;("); end >= 0 {
		return agent[:end]
	}
	return agent
}

// allows reports whether a path with its query may be read.
func (r *robots) allows(path string) bool {
	path = canonicalPath(path)
	longest, allowed := -1, true
	for _, rule := range r.rules {
		if n := len(rule.pattern); (n > longest || n == longest && rule.allow) && fits(rule.pattern, path) {
			longest, allowed = n, rule.allow
		}
	}
	return allowed
}

// fits reports whether a path begins as a pattern says.
func fits(pattern, path string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(path, parts[0]) {
		return false
	}
	path = path[len(parts[0]):]
	for i, part := range parts[1:] {
		if whole && i == len(parts)-2 {
			return strings.HasSuffix(path, part)
		}
		at := strings.Index(path, part)
		if at < 0 {
			return false
		}
		path = path[at+len(part):]
	}
	return !whole || path == ""
}

// canonicalPath writes escapes in one way: letters, digits and - . _ ~ as themselves,
// what is not ASCII escaped, and with capital digits.
func canonicalPath(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		escaped := false
		if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, escaped, i = byte(n), true, i+2
			}
		}
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
		if !plain && (escaped || c <= ' ' || c >= 0x7f) {
			b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
