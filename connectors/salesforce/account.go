package salesforce

import (
	"encoding/json"
	"time"

	"github.com/curatore/curatore-go/content"
)

// Account is a company or an agency.
type Account struct {
	content.Record
	SalesforceID       string          `db:"salesforce_id" content:"key" label:"Salesforce id"`
	Name               string          `db:"name" content:"title,sort"`
	Type               *string         `db:"type" content:"facet,category"`
	Industry           *string         `db:"industry" content:"facet"`
	Phone              *string         `db:"phone" content:"search"`
	Website            *string         `db:"website" content:"search"`
	AnnualRevenue      *float64        `db:"annual_revenue" content:"sort" description:"In the currency of the Salesforce organization."`
	Employees          *int64          `db:"number_of_employees" content:"sort"`
	Description        *string         `db:"description" content:"text"`
	BillingAddress     json.RawMessage `db:"billing_address" content:"metadata" description:"Street, city, state, postal_code, country."`
	ShippingAddress    json.RawMessage `db:"shipping_address" content:"metadata" description:"Street, city, state, postal_code, country."`
	SmallBusinessFlags json.RawMessage `db:"small_business_flags" content:"metadata" description:"Set-aside programs by name: sba_8a, hubzone, wosb, sdvosb and others, true or false."`
	OwnerSalesforceID  *string         `db:"owner_salesforce_id" content:"filter,unindexed"`
	ParentSalesforceID *string         `db:"parent_salesforce_id" content:"filter,unindexed"`
	ParentAccountID    *string         `db:"parent_account_id" content:"link=salesforce_account,from=parent_salesforce_id,unindexed"`
	CreatedDate        *time.Time      `db:"salesforce_created_at" content:"sort,unindexed" label:"Created in Salesforce"`
	ModifiedDate       *time.Time      `db:"salesforce_modified_at" content:"sort,unindexed" label:"Modified in Salesforce"`
}

func accountType() *content.Type {
	return content.Define(content.Spec[Account]{
		Name: "salesforce_account", Label: "Account", FormalName: "Salesforce Account",
		Display:     map[string]string{"crm": "Customer Account", "search": "Salesforce Account"},
		Description: "A company or agency in Salesforce, with its contacts and opportunities.",
		Icon:        "building", Color: "blue",
		Children: []content.Child{
			{Type: "salesforce_contact", Relation: "contacts", Label: "Contacts"},
			{Type: "salesforce_opportunity", Relation: "opportunities", Label: "Opportunities"},
			{Type: "salesforce_account", Relation: "subsidiaries", Label: "Subsidiaries"},
		},
		Statistics: []content.Statistic{{Name: "total"}, {Name: "by_type", GroupBy: "type"}},
	})
}

func accountMap(o Options) objectMap {
	columns := o.SmallBusiness
	if columns == nil {
		columns = DefaultSmallBusiness()
	}
	return objectMap{
		object: "Account", typ: accountType(),
		columns: map[string]string{
			"name": "Name", "type": "Type", "industry": "Industry", "phone": "Phone", "website": "Website",
			"annual_revenue": "AnnualRevenue", "number_of_employees": "NumberOfEmployees", "description": "Description",
			"owner_salesforce_id": "OwnerId", "parent_salesforce_id": "ParentId",
			"salesforce_created_at": "CreatedDate", "salesforce_modified_at": "LastModifiedDate",
		},
		special: map[string]special{
			"billing_address": address("Billing"), "shipping_address": address("Shipping"), "small_business_flags": flags(columns),
		},
	}
}
