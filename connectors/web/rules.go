package web

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// The bounds of a crawl, against sites that never end.
const (
	maxAddresses  = 250_000 // met in one collection
	maxPerPattern = 2_000   // pages whose addresses differ in numbers only
	maxRepeats    = 3       // of one segment in a path
	maxTries      = 4       // addresses that are asked for each page that may be kept
)

// rules say which addresses of a collection are read.
type rules struct {
	hosts    []string
	include  []*regexp.Regexp
	exclude  []*regexp.Regexp
	depth    int
	pages    int
	patterns map[string]int
}

func newRules(c Collection, hosts []string) *rules {
	r := &rules{hosts: hosts, include: compile(c.Include), exclude: compile(c.Exclude), depth: cmp.Or(c.MaxDepth, 5), pages: cmp.Or(c.MaxPages, 1000), patterns: map[string]int{}}
	return r
}

// compile makes patterns of paths with * for anything.
func compile(patterns []string) (all []*regexp.Regexp) {
	for _, p := range patterns {
		all = append(all, regexp.MustCompile("^"+strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*")+"$"))
	}
	return all
}

func anyFits(patterns []*regexp.Regexp, s string) bool {
	for _, p := range patterns {
		if p.MatchString(s) {
			return true
		}
	}
	return false
}

// host reports whether pages of a host are read.
func (r *rules) host(host string) bool {
	for _, h := range r.hosts {
		below, wild := strings.CutPrefix(h, "*.")
		if h == host || wild && (host == below || strings.HasSuffix(host, "."+below)) {
			return true
		}
	}
	return false
}

// excluded says why an address is not read, or "". It does not change.
func (r *rules) excluded(u *url.URL) string {
	if !r.host(u.Host) {
		return fmt.Sprintf("the host %s is not among those of the collection", u.Host)
	}
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	switch {
	case anyFits(r.exclude, path):
		return "a pattern of exclude fits"
	case len(r.include) > 0 && !anyFits(r.include, path):
		return "no pattern of include fits"
	}
	repeats := map[string]int{}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if repeats[segment]++; segment != "" && repeats[segment] > maxRepeats {
			return fmt.Sprintf("its path repeats %q", segment)
		}
	}
	return ""
}

var digits = regexp.MustCompile(`[0-9]+`)

// another counts an address among those like it, and says whether there are too
// many.
func (r *rules) another(u *url.URL) string {
	if len(r.patterns) > 50_000 { // then there are no patterns
		return ""
	}
	pattern := u.Host + digits.ReplaceAllString(u.Path, "0") + "?"
	for name := range u.Query() {
		pattern += name + "&"
	}
	if u.RawQuery == "" && !strings.ContainsAny(u.Path, "0123456789") {
		return ""
	}
	if r.patterns[pattern]++; r.patterns[pattern] > maxPerPattern {
		return fmt.Sprintf("more than %d addresses differ from it in numbers and values only", maxPerPattern)
	}
	return ""
}
