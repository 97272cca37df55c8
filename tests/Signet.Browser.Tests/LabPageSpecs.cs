namespace Signet.Browser;

/// <summary>The page of the attack lab: last result, trend, plots; nothing in a results file is believed.</summary>
public sealed class LabPageSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S4-23")]
    public async Task The_page_shows_the_last_run_the_trend_and_its_plots()
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync();
        await person.Page.GotoAsync("/lab");
        (await person.Page.InnerTextAsync("main")).ShouldContain("Held.");
        var rows = person.Page.Locator("section[aria-labelledby=attacks-title] tbody tr");
        (await rows.CountAsync()).ShouldBe(3);
        (await rows.First.InnerTextAsync()).ShouldContain("replayed");
        (await person.Page.Locator("section[aria-labelledby=trend-title] tbody tr").CountAsync()).ShouldBe(2);
        // The plot is really drawn: an image that failed to load has no width of its own.
        (await person.Page.EvaluateAsync<int>("document.querySelector('.plots img').scrollIntoView(), fetch(document.querySelector('.plots img').src).then(r => r.ok ? 1 : 0)")).ShouldBe(1);

        await person.Page.GotoAsync("/lab?layer=people");
        (await rows.CountAsync()).ShouldBe(1);
        await person.Page.GotoAsync($"/lab?run={LabSample.Fell}");
        var text = await person.Page.InnerTextAsync("main");
        text.ShouldContain("Not everything that must hold does.");
        text.ShouldContain("<b>and not otherwise</b>"); // shown as text
        text.ShouldContain("expected another-reason", Case.Insensitive);
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    [Trait("row", "S0-31")]
    public async Task On_a_spanish_page_attacks_layers_controls_and_the_summary_are_spanish_and_names_stay_to_be_found_in_the_report()
    {
        await using var person = await house.VisitAsync(language: "es-ES");
        await person.TrySignInAsync("admin", house.Password);
        await person.Page.GotoAsync("/lab?layer=message");
        var row = person.Page.Locator("section[aria-labelledby=attacks-title] tbody tr");
        var text = await row.InnerTextAsync();
        foreach (var said in new[] { "Repetición inmediata", "immediate-replay", "mensaje", "Vuelve a enviar en el acto una orden ejecutada, 100 veces.", "replayed", "Ventana de repetición" }) text.ShouldContain(said);
        (await row.Locator("[title=replay-window]").CountAsync()).ShouldBe(1);
        (await person.Page.Locator("#layer option").AllInnerTextsAsync()).ShouldBe(["Todas las capas", "mensaje", "bróker", "personas"]);
        (await person.Page.Locator("#layer").InputValueAsync()).ShouldBe("message");
        (await person.Page.InnerTextAsync("main")).ShouldContain("10 copias, 0 ejecutadas, 10 rechazos firmados, 2 entradas de auditoría");

        await person.Page.GotoAsync($"/lab?run={LabSample.Fell}");
        text = await person.Page.InnerTextAsync("main");
        text.ShouldContain("no llegó ningún mensaje");
        text.ShouldContain("immediate-replay was blocked as \"replayed\" <b>and not otherwise</b>"); // nobody has translated it, and it is text still
        person.Complaints.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("..%2F..%2Faudit", "latency")]
    [InlineData(LabSample.Held, "..%2Fresults")]
    [InlineData(LabSample.Held, "no-such-plot")]
    public async Task A_name_that_leads_out_of_the_folder_finds_nothing(string run, string plot)
    {
        await using var person = await house.VisitAsync();
        await person.SignInAsync();
        (await person.Page.APIRequest.GetAsync($"/lab?handler=Plot&run={run}&plot={plot}")).Status.ShouldBe(404);
    }
}
