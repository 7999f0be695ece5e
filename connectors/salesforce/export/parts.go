package export

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// partName is how Salesforce names the parts. A browser that had the file
// already adds " (1)".
var partName = regexp.MustCompile(`(?i)^WE_([0-9A-Za-z]{15}|[0-9A-Za-z]{18})_([0-9]{1,6})(?: \([0-9]+\))?\.ZIP$`)

// baseName is the last element of a name, whatever its separator.
func baseName(name string) string {
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}

// partition is what the names of the files say about the export.
type partition struct {
	orgID   string // "" when no name tells
	numbers []int  // of each file; 0 when its name does not tell
	reason  string // why the export is not known to be complete
}

// parts reads the names of the files.
func parts(files []File) (p partition, err error) {
	first := map[int]string{}
	names := map[string]bool{}
	var org string
	var unnamed []string
	for _, f := range files {
		base := baseName(f.Name)
		if names[f.Name] {
			return p, fmt.Errorf("%s: %w", f.Name, ErrDuplicate)
		}
		names[f.Name] = true
		m := partName.FindStringSubmatch(base)
		if m == nil {
			p.numbers = append(p.numbers, 0)
			unnamed = append(unnamed, base)
			continue
		}
		n, _ := strconv.Atoi(m[2])
		switch {
		case org == "":
			org, p.orgID = base, m[1]
		case m[1][:15] != p.orgID[:15]:
			return p, fmt.Errorf("%w: %s and %s; import them one by one", ErrForeign, org, base)
		}
		if n == 0 {
			return p, fmt.Errorf("%s: parts are counted from 1", base)
		}
		if other, ok := first[n]; ok {
			return p, fmt.Errorf("part %d is %w: %s and %s", n, ErrDuplicate, other, base)
		}
		first[n] = base
		p.numbers = append(p.numbers, n)
	}
	p.reason = incomplete(p.numbers, unnamed)
	return p, nil
}

// incomplete says why the files are not known to be all of an export. That the
// last part is missing cannot be seen.
func incomplete(numbers []int, unnamed []string) string {
	var given, missing []string
	known := slices.DeleteFunc(slices.Sorted(slices.Values(numbers)), func(n int) bool { return n == 0 })
	for i, n := range known {
		given = append(given, strconv.Itoa(n))
		from := 1
		if i > 0 {
			from = known[i-1] + 1
		}
		if n-from > 10 {
			missing = append(missing, fmt.Sprintf("%d to %d", from, n-1))
			continue
		}
		for ; from < n; from++ {
			missing = append(missing, strconv.Itoa(from))
		}
	}
	zips := slices.DeleteFunc(slices.Clone(unnamed), isCSV)
	switch {
	case len(missing) > 0:
		return fmt.Sprintf("part %s is missing (given: %s)", strings.Join(missing, ", "), strings.Join(given, ", "))
	case len(known) > 0 && len(unnamed) > 0:
		return fmt.Sprintf("%s is not named WE_<organization>_<part>.ZIP like the other files, so nobody can tell whether the export is whole", unnamed[0])
	case len(zips) > 1:
		return fmt.Sprintf("%s and %s are not named WE_<organization>_<part>.ZIP, so nobody can tell whether these are all parts", zips[0], zips[1])
	}
	return ""
}

func isCSV(name string) bool { return strings.EqualFold(path.Ext(name), ".csv") }
