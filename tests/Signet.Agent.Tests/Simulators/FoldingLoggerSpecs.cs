using Microsoft.Extensions.Logging;

namespace Signet.Agent.Tests;

public sealed class FoldingLoggerSpecs
{
    private readonly ManualTime _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StringWriter _said = new();

    [Fact]
    public void Of_what_many_devices_say_the_first_is_a_line_and_the_others_a_number()
    {
        using var logger = Logger();
        for (var device = 1; device <= 500; device++) Log.WitnessAlarm(logger, $"sim-{device:000}", "unconfirmed", "not enough confirm it");
        Lines().ShouldBe(["error: ALARM of sim-001, witness of the audit log: unconfirmed: not enough confirm it"]);

        _time.Advance(FoldingLogger.Window);
        Log.WitnessAlarm(logger, "sim-501", "unconfirmed", "not enough confirm it");
        Lines().ShouldBe([
            "error: ALARM of sim-001, witness of the audit log: unconfirmed: not enough confirm it",
            "warning: 499 more of this kind, the last: ALARM of sim-500, witness of the audit log: unconfirmed: not enough confirm it",
            "error: ALARM of sim-501, witness of the audit log: unconfirmed: not enough confirm it",
        ]);
    }

    [Fact]
    public void An_alarm_for_another_reason_is_never_hidden_behind_the_first()
    {
        using var logger = Logger();
        foreach (var reason in new[] { "unconfirmed", "unconfirmed", "forked", "unconfirmed" }) Log.WitnessAlarm(logger, "sim-001", reason, "x");
        Lines().ShouldBe(["error: ALARM of sim-001, witness of the audit log: unconfirmed: x", "error: ALARM of sim-001, witness of the audit log: forked: x"]);
    }

    [Fact]
    public void What_was_only_counted_is_said_at_the_end()
    {
        using (var logger = Logger())
            for (var device = 1; device <= 3; device++) Log.CenterSilent(logger, $"sim-{device}", 60);
        Lines()[^1].ShouldBe("warning: 2 more of this kind, the last: ALARM of sim-3: the center has been silent for 60 s, although the connection stands");
    }

    private FoldingLogger Logger() => new(new LineLogger(_said, LogLevel.Warning), _time);

    private string[] Lines() => _said.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
}
