package salesforce

import (
	"encoding/json"
	"time"

	"github.com/curatore/curatore-go/content"
)

// Opportunity is a sale that is worked on, won or lost.
type Opportunity struct {
	content.Record
	SalesforceID        string          `db:"salesforce_id" content:"key" label:"Salesforce id"`
	Name                string          `db:"name" content:"title,sort"`
	StageName           *string         `db:"stage_name" content:"facet" label:"Stage"`
	Amount              *float64        `db:"amount" content:"sort" description:"In the currency of the Salesforce organization."`
	Probability         *float64        `db:"probability" content:"sort" description:"Per cent."`
	CloseDate           *time.Time      `db:"close_date" content:"date,filter,sort"`
	IsClosed            *bool           `db:"is_closed" content:"filter" label:"Closed"`
	IsWon               *bool           `db:"is_won" content:"filter" label:"Won"`
	Type                *string         `db:"type" content:"facet,category"`
	LeadSource          *string         `db:"lead_source" content:"facet"`
	Description         *string         `db:"description" content:"text"`
	NextStep            *string         `db:"next_step" content:"search"`
	FiscalYear          *int64          `db:"fiscal_year" content:"filter,sort"`
	CustomDates         json.RawMessage `db:"custom_dates" content:"metadata" description:"Dates by the name of their column."`
	AccountSalesforceID *string         `db:"account_salesforce_id" content:"filter,unindexed"`
	AccountID           *string         `db:"account_id" content:"parent=salesforce_account,from=account_salesforce_id,unindexed"`
	OwnerSalesforceID   *string         `db:"owner_salesforce_id" content:"filter,unindexed"`
	SharepointFolderID  *string         `db:"linked_sharepoint_folder_id" content:"kept,link=sharepoint_folder" label:"Linked SharePoint folder" description:"Set by the program; an import leaves it alone."`
	SolicitationID      *string         `db:"linked_sam_solicitation_id" content:"kept,link=sam_solicitation" label:"Linked solicitation" description:"Set by the program; an import leaves it alone."`
	CreatedDate         *time.Time      `db:"salesforce_created_at" content:"sort,unindexed" label:"Created in Salesforce"`
	ModifiedDate        *time.Time      `db:"salesforce_modified_at" content:"sort,unindexed" label:"Modified in Salesforce"`
}

func opportunityType() *content.Type {
	is := func(field, value string) []content.Filter {
		return []content.Filter{{Field: field, Op: content.Equal, Values: []string{value}}}
	}
	return content.Define(content.Spec[Opportunity]{
		Name: "salesforce_opportunity", Label: "Opportunity", Plural: "Opportunities", FormalName: "Salesforce Opportunity",
		Table:       "salesforce_opportunities",
		Display:     map[string]string{"crm": "Pipeline Opportunity", "search": "Salesforce Opportunity"},
		Description: "A sale in Salesforce that is worked on, won or lost.",
		Icon:        "target", Color: "emerald",
		Statistics: []content.Statistic{
			{Name: "total"},
			{Name: "open", Filters: is("is_closed", "false")},
			{Name: "won", Filters: is("is_won", "true")},
			{Name: "open_value", Filters: is("is_closed", "false"), Sum: "amount"},
			{Name: "won_value", Filters: is("is_won", "true"), Sum: "amount"},
			{Name: "by_stage", GroupBy: "stage_name", Key: "stage", Value: "amount"},
		},
	})
}

func opportunityMap(o Options) objectMap {
	return objectMap{
		object: "Opportunity", typ: opportunityType(),
		columns: map[string]string{
			"name": "Name", "stage_name": "StageName", "amount": "Amount", "probability": "Probability", "close_date": "CloseDate",
			"is_closed": "IsClosed", "is_won": "IsWon", "type": "Type", "lead_source": "LeadSource", "description": "Description",
			"next_step": "NextStep", "fiscal_year": "FiscalYear", "account_salesforce_id": "AccountId", "owner_salesforce_id": "OwnerId",
			"salesforce_created_at": "CreatedDate", "salesforce_modified_at": "LastModifiedDate",
		},
		special: map[string]special{"custom_dates": dates(o.OpportunityDates)},
	}
}
