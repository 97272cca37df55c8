using System.Globalization;
using Signet.Web.Looks;

namespace Signet.Lab.Tests;

/// <summary>What the console's page tells of a run is there in Spanish; report and command line stay as they are.</summary>
public sealed class LabPhraseSpecs
{
    [Fact]
    [Trait("row", "S0-31")]
    public void Every_attack_layer_and_control_has_its_spanish()
    {
        var spanish = Phrases.Load("es");
        List<string> shown =
        [
            .. Enum.GetNames<AttackLayer>().Select(name => name.ToLowerInvariant()), .. Catalogue.Attacks.SelectMany(attack => new[] { attack.Name, attack.Says, attack.Control }), .. Catalogue.Controls.Select(control => control.Name),
            .. Catalogue.Attacks.Select(attack => attack.Reason).Where(reason => reason.Contains(' ', StringComparison.Ordinal)), // one word is a name, and stays
        ];
        shown.Where(text => !spanish.ContainsKey(text)).Distinct().ShouldBeEmpty("these have no Spanish in Phrases/es/attacks.json");
        Catalogue.Attacks.Select(attack => spanish[attack.Name]).Distinct().Count().ShouldBe(Catalogue.Attacks.Count, "two attacks have one name in Spanish");
    }

    [Fact]
    [Trait("row", "S0-31")]
    public void What_a_run_counts_and_where_it_fell_short_is_told_in_spanish_to_the_last_word()
    {
        var attack = Catalogue.Attacks.Single(one => one.Name == "eavesdrop");
        var results = new LabResults { Seed = 1, Started = DateTimeOffset.UnixEpoch };
        results.Attacks.Add(new(attack, Strike.Blocked("nothing readable"), Strike.Succeeded("read the reading on the wire"), Strike.Blocked("nothing readable in what passed")));
        var before = CultureInfo.CurrentUICulture;
        try
        {
            CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("es");
            results.Failures.Select(new Phrases().Said).ShouldBe(
            [
                "eavesdrop tuvo éxito en la casa segura: leyó la lectura en la línea", "eavesdrop no pasa sin tls: el control resistió que se quitara (nada legible en lo que pasó)", "eavesdrop no tuvo éxito en la casa abierta: nada legible",
            ]);
            new Phrases().Said("eavesdrop (without tls): took longer than 60 s").ShouldBe("eavesdrop (sin tls): tardó más de 60 s");
        }
        finally
        {
            CultureInfo.CurrentUICulture = before;
        }
    }
}
