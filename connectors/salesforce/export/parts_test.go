package export

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const orgA, orgB = "00Dbm00000QmZ4kEAF", "00Dbm00000XyZ9kEAF"

func TestParts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		files   []string
		numbers []int
		org     string
		reason  string // "" for complete
	}{
		{"one", []string{"WE_" + orgA + "_1.ZIP"}, []int{1}, orgA, ""},
		{"all", []string{"WE_" + orgA + "_2.ZIP", "we_" + orgA + "_1.zip", "WE_" + orgA + "_3.Zip"}, []int{2, 1, 3}, orgA, ""},
		{"folders and copies", []string{"/tmp/x/WE_" + orgA + "_1.ZIP", `C:\x\WE_` + orgA + "_2 (1).ZIP"}, []int{1, 2}, orgA, ""},
		{"15 characters", []string{"WE_" + orgA + "_1.ZIP", "WE_" + orgA[:15] + "_2.ZIP"}, []int{1, 2}, orgA, ""},
		{"only the second", []string{"WE_" + orgA + "_2.ZIP"}, []int{2}, orgA, "part 1 is missing (given: 2)"},
		{"gap", []string{"WE_" + orgA + "_1.ZIP", "WE_" + orgA + "_4.ZIP"}, []int{1, 4}, orgA, "part 2, 3 is missing (given: 1, 4)"},
		{"wide gap", []string{"WE_" + orgA + "_999999.ZIP"}, []int{999999}, orgA, "part 1 to 999998 is missing (given: 999999)"},
		{"other name", []string{"export.zip"}, []int{0}, "", ""},
		{"single CSVs", []string{"Account.csv", "Contact.CSV"}, []int{0, 0}, "", ""},
		{"a zip and a CSV", []string{"a.zip", "Contact.CSV"}, []int{0, 0}, "", ""},
		{"other names", []string{"a.zip", "b.zip"}, []int{0, 0}, "", "a.zip and b.zip are not named"},
		{"mixed", []string{"WE_" + orgA + "_1.ZIP", "b.zip"}, []int{1, 0}, orgA, "b.zip is not named"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []File
			for _, name := range tt.files {
				files = append(files, File{Name: name})
			}
			p, err := parts(files)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.numbers, tt.numbers) || p.orgID != tt.org || !strings.HasPrefix(p.reason, tt.reason) || (tt.reason == "") != (p.reason == "") {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestPartsRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files []string
		is    error
		says  string
	}{
		{"twice", []string{"WE_" + orgA + "_1.ZIP", "WE_" + orgA + "_1 (1).ZIP"}, ErrDuplicate, "part 1"},
		{"one file twice", []string{"a.zip", "a.zip"}, ErrDuplicate, "a.zip"},
		{"two organizations", []string{"WE_" + orgA + "_1.ZIP", "WE_" + orgB + "_2.ZIP"}, ErrForeign, orgB},
		{"part 0", []string{"WE_" + orgA + "_0.ZIP"}, nil, "counted from 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []File
			for _, name := range tt.files {
				files = append(files, File{Name: name})
			}
			_, err := parts(files)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Error(err)
			}
		})
	}
}
