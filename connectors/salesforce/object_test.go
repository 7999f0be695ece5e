package salesforce_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
)

// Objects of which a program learns when it runs are imported like the others.
func TestObjects(t *testing.T) {
	bid, err := salesforce.Describe([]byte(`{"name": "Bid__c", "label": "Bid", "fields": [
		{"name": "Id", "type": "id"}, {"name": "IsDeleted", "type": "boolean"}, {"name": "Name", "label": "Bid name", "type": "string", "nameField": true},
		{"name": "Due_Date__c", "label": "Due", "type": "date"}, {"name": "Value__c", "type": "currency"}, {"name": "Place__c", "type": "location"},
		{"name": "Won__c", "type": "boolean"}, {"name": "Stage__c", "type": "picklist"}, {"name": "Account__c", "type": "reference"}, {"name": "Notes__c", "type": "textarea"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	other := salesforce.FromHeader("Thing__c", "Thing", []string{"Id", "IsDeleted", "Subject", "OwnerId", "SystemModstamp", "Id__c"})
	options := salesforce.Options{Objects: append(salesforce.Standard(), bid, other)}
	stored, result, org := imported(t, options, map[string][][]string{
		"Account":  {{"Id", "Name"}, {salesforcetest.ID("001", 1), "Acme"}},
		"Lead":     {{"Id", "LastName", "Company", "Status", "IsConverted"}, {salesforcetest.ID("00Q", 1), "Coyote", "Acme", "Open", "0"}},
		"Bid__c":   {{"Id", "Name", "Due_Date__c", "Value__c", "Won__c", "Stage__c", "Notes__c"}, {salesforcetest.ID("a0B", 1), "Big bid", "2026-09-30", "12.5", "1", "Draft", "Long text"}},
		"Thing__c": {{"Id", "Subject", "Id__c"}, {salesforcetest.ID("a0C", 1), "A thing", "X-1"}},
	})
	for name, values := range map[string]map[string]any{
		"salesforce_lead":  {"last_name": "Coyote", "status": "Open", "is_converted": false},
		"salesforce_bid":   {"name": "Big bid", "value": 12.5, "won": true, "stage": "Draft", "notes": "Long text"},
		"salesforce_thing": {"subject": "A thing", "id_2": "X-1"},
	} {
		rows := stored[name]
		if len(rows) != 1 {
			t.Errorf("%s: %d records, %+v", name, len(rows), result.Streams[name])
			continue
		}
		for _, typ := range org.Types() {
			if typ.Name() != name {
				continue
			}
			for field, want := range values {
				if f, ok := typ.Field(field); !ok || f.Value(rows[0]) != want {
					t.Errorf("%s.%s is not %v", name, field, want)
				}
			}
		}
	}
	if _, err := salesforce.Describe([]byte(`[]`)); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	for name, want := range map[string]string{"Product2": "salesforce_product2", "OpportunityLineItem": "salesforce_opportunity_line_item", "My_Object__c": "salesforce_my_object", "ABCReport": "salesforce_abcreport", "Ünicode": "salesforce_nicode", "1st__c": "salesforce_c_1st"} {
		if got := (salesforce.Object{Name: name}).Type(); got != want || strings.Contains(got, "__") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
