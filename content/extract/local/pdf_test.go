package local

import (
	"strings"
	"testing"
)

func TestReadToUnicode(t *testing.T) {
	table := `/CIDInit /ProcSet findresource begin 12 dict begin begincmap << /Registry (Adobe) >> def
1 begincodespacerange <0000> <FFFF> endcodespacerange
2 beginbfchar <01> <0041> <0002> <00660069> endbfchar
2 beginbfrange <10> <12> <0061> <20> <21> [<0078> <D83DDE00>] endbfrange
1 beginbfchar <99> endbfchar endcmap end end`
	got := readToUnicode(strings.NewReader(table))
	for code, want := range map[int]string{1: "A", 2: "fi", 0x10: "a", 0x12: "c", 0x20: "x", 0x21: "😀"} {
		if got[code] != want {
			t.Errorf("%#x is %q, want %q", code, got[code], want)
		}
	}
	if len(got) != 7 {
		t.Errorf("%d codes: %v", len(got), got)
	}
	for _, broken := range []string{"", "<", "beginbfrange <00> <FFFFFFFF> <0041> endbfrange", "beginbfchar [ <01> endbfchar", "beginbfrange <05> <01> <0041> endbfrange"} {
		if n := len(readToUnicode(strings.NewReader(broken))); n > maxCodes {
			t.Errorf("%q gives %d codes", broken, n)
		}
	}
}

// Words of Hebrew and Arabic, which stand backwards in a PDF, are read forwards;
// numbers and Latin words among them stay as they are.
func TestReadable(t *testing.T) {
	for line, want := range map[string]string{
		"plain 12":            "plain 12",
		"םולש":                "שלום",
		"2026 תנש םולש":       "שלום שנת 2026",
		"PDF ץבוק":            "קובץ PDF",
		"see םולש and more x": "see שלום and more x",
		"ملاس":                "سالم",
	} {
		if got := readable(line); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
	if got := apart("eﬃcient ﬁle ﻼ"); got != "efficient file لا" {
		t.Errorf("%q", got)
	}
}
