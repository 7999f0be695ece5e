package export_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
)

func TestDateOrder(t *testing.T) {
	dates := func(object, column string) bool { return strings.HasSuffix(column, "Date") }
	for _, tt := range []struct {
		name    string
		account string // rows of Id,Name,CreatedDate
		contact string // rows of CloseDate
		want    export.DateOrder
		is      error
		says    []string
	}{
		{name: "none", account: "1,a,2026-02-23\n"},
		{name: "month first", account: "1,a,02/23/26\n", want: export.MonthFirst},
		{name: "day first", account: "1,a,23/02/2026 20:55\n", want: export.DayFirst},
		{name: "with a time", account: "1,a,02/23/26 08:55 PM\n", want: export.MonthFirst},
		{name: "quoted", account: "\"1\",\"a\",\"02/23/26\"\n", want: export.MonthFirst},
		{name: "padded", account: "1,a,\"\n 02/23/26 \"\n", want: export.MonthFirst},
		{name: "at the end", account: "1,a,02/23/26", want: export.MonthFirst},
		{name: "settled by another file", account: "1,a,02/03/24\n", contact: "23/02/24\n", want: export.DayFirst},
		{name: "settled in a later row", account: strings.Repeat("1,a,02/03/24\n", 40000) + "1,a,02/28/24\n", want: export.MonthFirst},
		{name: "settled by a column that is not read", account: "1,02/23/26,02/03/24\n", want: export.MonthFirst},
		{name: "unsettled", account: "1,a,02/03/24\n2,a,12/12/24\n", is: export.ErrDateOrder,
			says: []string{`"02/03/24"`, part1 + "/Account.csv line 2, column CreatedDate"}},
		{name: "unsettled, not read", account: "1,02/03/24,2026-01-01\n"},
		{name: "both", account: "1,a,02/23/26\n", contact: "\n\n23/02/24\n", is: export.ErrDateConflict,
			says: []string{part1 + `/Account.csv line 2, column CreatedDate: "02/23/26" has the month first`, part1 + `/Contact.csv line 4, column CloseDate: "23/02/24" has the day first`}},
		{name: "both, one not read", account: "1,24/12/16,02/23/26\n", want: export.MonthFirst},
		{name: "both not read", account: "1,24/12/16,2026-01-01\n2,12/24/16,\n"},
		{name: "both not read, needed", account: "1,24/12/16,02/03/24\n2,12/24/16,\n", is: export.ErrDateConflict, says: []string{"column Name"}},
		{name: "in text", account: "1,\"since 02/23/26\n13/5/2024: called\n13/5/2024\nmet\",2026-01-01\n"},
		{name: "in text beside", account: "1,\"a,\n13/5/2024\n,b\",02/23/26\n", want: export.MonthFirst},
		{name: "no dates", account: "1,24/7/365,13/13/13\n2,1/2,99/99/99\n3,http://x/1/13/26,0/15/24\n"},
		{name: "in a broken row", account: "1,02/23/26\n2,a,13/02/26\n", want: export.DayFirst},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := zipped("Account.csv", "Id,Name,CreatedDate\n"+tt.account, "Contact.csv", "CloseDate\n"+tt.contact, "AccountHistory.csv", "CreatedDate\n31/12/2024\n12/31/2024\n")
			got, err := open(t, export.Options{}, in).DateOrder(dates)
			if got != tt.want || !errors.Is(err, tt.is) {
				t.Errorf("%v, %v, want %v, %v", got, err, tt.want, tt.is)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v does not say %s", err, s)
				}
			}
			for _, order := range []export.DateOrder{export.MonthFirst, export.DayFirst} {
				if got, err := open(t, export.Options{DateOrder: order}, in).DateOrder(dates); got != order || err != nil {
					t.Errorf("set to %v: %v, %v", order, got, err)
				}
			}
		})
	}
}

func TestDateOrderOfAllColumns(t *testing.T) {
	e := open(t, export.Options{}, zipped("Account.csv", "Id,A,B\n1,02/23/26,23/02/26\n"))
	if _, err := e.DateOrder(nil); !errors.Is(err, export.ErrDateConflict) {
		t.Error(err)
	}
}

func TestDateOrderOfUTF16(t *testing.T) {
	var wide []byte
	for _, c := range "\ufeffId,A\n1,02/23/26\n" {
		wide = append(wide, byte(c), byte(c>>8))
	}
	if got, err := open(t, export.Options{}, zipped("Account.csv", string(wide))).DateOrder(nil); got != export.MonthFirst || err != nil {
		t.Error(got, err)
	}
}
