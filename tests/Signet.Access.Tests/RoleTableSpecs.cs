namespace Signet.Access.Tests;

[Trait("row", "S0-23")]
public sealed class RoleTableSpecs
{
    [Fact]
    public void Every_act_has_one_row_and_every_row_a_name_and_a_meaning()
    {
        RoleTable.Rows.Select(r => r.Act).Order().ShouldBe(Enum.GetValues<Act>().Order());
        RoleTable.Rows.Select(r => r.Name).Distinct().Count().ShouldBe(RoleTable.Rows.Count);
        RoleTable.Rows.ShouldAllBe(r => r.Meaning.Length > 5);
    }

    [Fact]
    public void A_higher_role_may_do_all_that_a_lower_one_may()
    {
        foreach (var act in Enum.GetValues<Act>())
        {
            if (RoleTable.Decide(Role.Viewer, act).Allowed) RoleTable.Decide(Role.Operator, act).Allowed.ShouldBeTrue();
            if (RoleTable.Decide(Role.Operator, act).Allowed) RoleTable.Decide(Role.Admin, act).Allowed.ShouldBeTrue();
            RoleTable.Decide(Role.Admin, act).Allowed.ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData(Role.Viewer, Act.ViewFleet, true)]
    [InlineData(Role.Viewer, Act.SendCommand, false)]
    [InlineData(Role.Operator, Act.SendCommand, true)]
    [InlineData(Role.Operator, Act.RevokeCertificate, false)]
    [InlineData(Role.Operator, Act.ManageUsers, false)]
    [InlineData(Role.Admin, Act.ManageUsers, true)]
    public void Viewers_look_operators_act_and_administrators_manage(Role role, Act act, bool allowed) => RoleTable.Decide(role, act).Allowed.ShouldBe(allowed);

    [Fact]
    public void A_role_or_act_that_does_not_exist_is_denied()
    {
        RoleTable.Decide(default, Act.ViewFleet).Allowed.ShouldBeFalse();
        RoleTable.Decide((Role)99, Act.ViewFleet).Allowed.ShouldBeFalse();
        RoleTable.Decide(Role.Admin, (Act)999).ShouldBe(new Decision(false, Decision.NoRule, RoleTable.Version));
    }
}
