package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// readJudgements reads qrels.tsv, or qrels/test.tsv: lines of query, document and
// grade, or of query, 0, document and grade as in TREC, with or without a line of
// headings. A grade above 0 makes a document relevant.
func (c *collection) readJudgements(dir string) (map[string]map[string]float64, error) {
	path := filepath.Join(dir, "qrels.tsv")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		nested := filepath.Join(dir, "qrels", "test.tsv")
		if other, err2 := os.ReadFile(nested); err2 == nil {
			path, data, err = nested, other, nil
		}
	}
	if err != nil {
		return nil, usageError{err}
	}
	judged := map[string]map[string]float64{}
	n, unknown, first := 0, 0, true
	for text := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		n++
		f := strings.Fields(text)
		if strings.Contains(text, "\t") {
			f = strings.Split(strings.TrimRight(text, "\r\n\t "), "\t")
		}
		if len(f) == 0 || len(f) == 1 && strings.TrimSpace(f[0]) == "" {
			continue
		}
		if len(f) == 4 {
			f = []string{f[0], f[2], f[3]}
		}
		if len(f) != 3 {
			return nil, fmt.Errorf("%s line %d: it has %d columns; they are query, document and grade", path, n, len(f))
		}
		grade, err := strconv.ParseFloat(strings.TrimSpace(f[2]), 64)
		headings := first && err != nil
		first = false
		switch {
		case headings:
			continue
		case err != nil || math.IsNaN(grade) || math.IsInf(grade, 0):
			unknown++
			continue
		}
		query, doc := key(f[0]), key(f[1])
		if judged[query] == nil {
			judged[query] = map[string]float64{}
		}
		if judged[query][doc] = grade; grade <= 0 {
			delete(judged[query], doc) // of two lines the later one counts
		}
	}
	if unknown > 0 {
		c.warnings = append(c.warnings, fmt.Sprintf("%s: %d grades are not numbers and do not count", path, unknown))
	}
	return judged, nil
}
