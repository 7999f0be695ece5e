package salesforce_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

// table reads an object out of the parts of an export, as any program would: the
// rows that are not deleted, by column.
func table(t *testing.T, parts []salesforcetest.Part, object string) (rows []map[string]string) {
	t.Helper()
	for _, p := range parts {
		z, err := zip.NewReader(bytes.NewReader(p.Data), int64(len(p.Data)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Open(object + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records[1:] {
			row := map[string]string{}
			for i, name := range records[0] {
				row[name] = record[i]
			}
			if row["IsDeleted"] != "1" {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// The statistics of an export are those that encoding/csv and a few sums give.
func TestStatisticsOfAnExport(t *testing.T) {
	options := salesforcetest.Options{Accounts: 60, Contacts: 50, Opportunities: 80, Parts: 2}
	parts, _, err := salesforcetest.Parts(options)
	if err != nil {
		t.Fatal(err)
	}
	types, stages, values := map[string]int{}, map[string]int{}, map[string]float64{}
	var employees, open, won int
	var openValue, wonValue float64
	accounts, contacts, opportunities := table(t, parts, "Account"), table(t, parts, "Contact"), table(t, parts, "Opportunity")
	for _, r := range accounts {
		types[r["Type"]]++
	}
	for _, r := range contacts {
		if r["Current_Employee__c"] == "1" {
			employees++
		}
	}
	for _, r := range opportunities {
		amount, _ := strconv.ParseFloat(r["Amount"], 64) // empty is nothing
		stages[r["StageName"]]++
		values[r["StageName"]] += amount
		if r["IsClosed"] == "0" {
			open, openValue = open+1, openValue+amount
		}
		if r["IsWon"] == "1" {
			won, wonValue = won+1, wonValue+amount
		}
	}
	if open == 0 || won == 0 || employees == 0 || len(types) < 3 || len(stages) < 3 {
		t.Fatal("the export is too small to show anything")
	}

	type group struct {
		Type, Stage *string
		Count       int
		Value       float64
	}
	var got struct {
		Accounts struct {
			Total  int
			ByType []group `json:"by_type"`
		}
		Contacts struct {
			Total            int
			CurrentEmployees int `json:"current_employees"`
		}
		Opportunities struct {
			Total, Open, Won int
			OpenValue        float64 `json:"open_value"`
			WonValue         float64 `json:"won_value"`
			ByStage          []group `json:"by_stage"`
		}
	}
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind), NoSearch: true}, salesforce.New())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			org := curatore.Must(c.Organization(t.Context(), "acme", "test"))
			var files []connectors.File
			for _, p := range parts {
				files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
			}
			run := curatore.Must(org.Import(t.Context(), "salesforce", files...))
			curatore.Must(run.Wait(t.Context()))
			text, err := json.Marshal(curatore.Must(org.Stats(t.Context(), "salesforce")))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			byType, byStage, byValue := map[string]int{}, map[string]int{}, map[string]float64{}
			name := func(s *string) string {
				if s == nil {
					return ""
				}
				return *s
			}
			for _, g := range got.Accounts.ByType {
				byType[name(g.Type)] = g.Count
			}
			for _, g := range got.Opportunities.ByStage {
				byStage[name(g.Stage)], byValue[name(g.Stage)] = g.Count, g.Value
			}
			want := []any{len(accounts), types, len(contacts), employees, len(opportunities), open, won, openValue, wonValue, stages, values}
			have := []any{got.Accounts.Total, byType, got.Contacts.Total, got.Contacts.CurrentEmployees, got.Opportunities.Total, got.Opportunities.Open, got.Opportunities.Won,
				got.Opportunities.OpenValue, got.Opportunities.WonValue, byStage, byValue}
			if d := cmp.Diff(want, have, cmpopts.EquateApprox(0, 0.001)); d != "" {
				t.Error(d)
			}
		})
	}
}
