package functions

import "strings"

// nearest returns the candidate that a mistyped name most probably means, or ""
// when none is near. Case and the difference of "-", " " and "_" count for
// nothing; otherwise a third of the letters may differ. Ties go to the first.
func nearest(name string, candidates []string) string {
	name = fold(name)
	if name == "" || len(name) > 200 {
		return ""
	}
	limit := len(name) / 3
	best, least := "", limit+1
	for _, candidate := range candidates {
		folded := fold(candidate)
		d := distance(name, folded)
		if len(name) >= 3 && (strings.HasPrefix(folded, name) || strings.HasSuffix(folded, "_"+name)) {
			d = min(d, limit) // "account" for "salesforce_account"
		}
		if d < least {
			best, least = candidate, d
		}
	}
	return best
}

var folder = strings.NewReplacer("-", "_", " ", "_", ".", "_")

func fold(s string) string { return folder.Replace(strings.ToLower(strings.TrimSpace(s))) }

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment), in bytes.
func distance(a, b string) int {
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
