package salesforce

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// Contact is a person at an account.
type Contact struct {
	content.Record
	SalesforceID        string          `db:"salesforce_id" content:"key" label:"Salesforce id"`
	FirstName           *string         `db:"first_name" content:"filter,unindexed"`
	LastName            *string         `db:"last_name" content:"filter,sort,unindexed"`
	Title               *string         `db:"title" content:"search,sort" description:"The job title."`
	Department          *string         `db:"department" content:"facet"`
	Email               *string         `db:"email" content:"search,filter"`
	Phone               *string         `db:"phone" content:"search"`
	MobilePhone         *string         `db:"mobile_phone" content:"search"`
	MailingAddress      json.RawMessage `db:"mailing_address" content:"metadata" description:"Street, city, state, postal_code, country."`
	IsCurrentEmployee   *bool           `db:"is_current_employee" content:"filter" label:"Current employee"`
	AccountSalesforceID *string         `db:"account_salesforce_id" content:"filter,unindexed"`
	AccountID           *string         `db:"account_id" content:"parent=salesforce_account,from=account_salesforce_id,unindexed"`
	OwnerSalesforceID   *string         `db:"owner_salesforce_id" content:"filter,unindexed"`
	CreatedDate         *time.Time      `db:"salesforce_created_at" content:"sort,unindexed" label:"Created in Salesforce"`
	ModifiedDate        *time.Time      `db:"salesforce_modified_at" content:"sort,unindexed" label:"Modified in Salesforce"`
}

// name is the first and the last name.
func (c *Contact) name() string {
	var parts []string
	for _, s := range []*string{c.FirstName, c.LastName} {
		if s != nil {
			parts = append(parts, *s)
		}
	}
	return strings.Join(parts, " ")
}

func contactType() *content.Type {
	return content.Define(content.Spec[Contact]{
		Name: "salesforce_contact", Label: "Contact", FormalName: "Salesforce Contact",
		Display:     map[string]string{"crm": "Customer Contact", "search": "Salesforce Contact"},
		Description: "A person at an account in Salesforce.",
		Icon:        "user", Color: "violet",
		Title: (*Contact).name,
		Statistics: []content.Statistic{
			{Name: "total"},
			{Name: "current_employees", Filters: []content.Filter{{Field: "is_current_employee", Op: content.Equal, Values: []string{"true"}}}},
		},
	})
}

func contactMap(o Options) objectMap {
	return objectMap{
		object: "Contact", typ: contactType(),
		columns: map[string]string{
			"first_name": "FirstName", "last_name": "LastName", "title": "Title", "department": "Department", "email": "Email",
			"phone": "Phone", "mobile_phone": "MobilePhone", "account_salesforce_id": "AccountId", "owner_salesforce_id": "OwnerId",
			"is_current_employee":   cmp.Or(o.CurrentEmployee, "Current_Employee__c"),
			"salesforce_created_at": "CreatedDate", "salesforce_modified_at": "LastModifiedDate",
		},
		special: map[string]special{"mailing_address": address("Mailing")},
	}
}
