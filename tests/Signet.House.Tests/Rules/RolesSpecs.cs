using Signet.Access;

namespace Signet.House.Tests.Rules;

/// <summary>The page about roles is the table's.</summary>
public sealed class RolesSpecs
{
    [Fact]
    [Trait("row", "S0-23")]
    public void The_page_about_roles_is_made_from_the_table_and_every_act_has_its_row()
    {
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "roles.md")).ShouldBe(RoleTable.Markdown(), "make it anew: signet user roles --markdown > docs/roles.md");
        Enum.GetValues<Act>().Except(RoleTable.Rows.Select(row => row.Act)).ShouldBeEmpty();
    }
}
