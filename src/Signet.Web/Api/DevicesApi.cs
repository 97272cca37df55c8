using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>A device, as the API shows it.</summary>
/// <param name="Details">What the device last said about itself, verified.</param>
/// <param name="Trouble">What its heartbeats tell while it is online: <c>silent</c>, <c>messages missing</c>; null: all is well.</param>
public sealed record DeviceJson(
    string Name, string Kind, string Title, IReadOnlyList<string> Commands, bool Enabled, string State, DateTimeOffset? Since, DateTimeOffset? LastSeen, string? Address,
    JsonNode? Details, DateTimeOffset Created, string Serial, string Thumbprint, DateTimeOffset CertificateEnds, IReadOnlyList<string> Groups, IReadOnlyList<string> Tags, string? Trouble = null) : IRevised
{
    string IRevised.Revision => EntityTags.Revision($"{Enabled}", string.Join(' ', Commands), string.Join(' ', Groups), string.Join(' ', Tags), Created.ToString("O"));

    public static DeviceJson Of(DeviceRecord device) => new(
        device.Name, device.Kind, device.Title, device.AllowedCommands, device.Enabled, device.Presence.State.ToString().ToLowerInvariant(), device.Presence.Since,
        device.Presence.LastSeen, device.Presence.Address, JsonNode.Parse(device.Presence.Details), device.Created, device.Serial, device.Thumbprint, device.CertificateEnds, device.Groups, device.Tags, device.Trouble);
}

public sealed record SuiteListJson(IReadOnlyList<DeviceSuites> Devices);

public sealed record DeviceListJson(IReadOnlyList<DeviceJson> Devices, string? Next);

/// <param name="Value">A number, a string or a truth value.</param>
public sealed record ReadingJson(string Name, DateTimeOffset At, JsonNode? Value, string? Unit)
{
    public static ReadingJson Of(Reading reading) => new(reading.Name, reading.At, JsonNode.Parse(reading.Value), reading.Unit);
}

public sealed record ReadingListJson(string Device, IReadOnlyList<ReadingJson> Readings);

/// <summary>A device to add.</summary>
/// <param name="SharedKey">It shares HMAC keys with the center (signet-hs256-1) instead of signing.</param>
/// <param name="Sealing">It gets a key that commands are sealed to.</param>
public sealed record NewDeviceJson(string Name, string Kind, IReadOnlyList<string>? Commands = null, string? Title = null, bool SharedKey = false, bool Sealing = false);

/// <summary>What to change; a member that is left out stays as it is.</summary>
public sealed record DeviceChangeJson(bool? Enabled = null, IReadOnlyList<string>? Commands = null, IReadOnlyList<string>? Groups = null, IReadOnlyList<string>? Tags = null);

/// <summary>Groups and tags with the number of their devices.</summary>
public sealed record LabelsJson(IReadOnlyDictionary<string, int> Groups, IReadOnlyDictionary<string, int> Tags);

/// <param name="Manifest">Compact JWS.</param>
/// <param name="Policy">PEM certificate of the key that signed it; left out: the one the center knows for this device.</param>
public sealed record NewManifestJson(string Manifest, string? Policy = null);

internal static class DevicesApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/devices", List).Requires(Act.ViewFleet).WithinGroups().Produces<DeviceListJson>().WithSummary("All devices by name, with their presence.");
        api.MapGet("/labels", (CommandCenter center, HttpContext context) => Labels(context.Sight(center).Labels())).Requires(Act.ViewFleet).WithinGroups().Produces<LabelsJson>()
            .WithSummary("Groups and tags, with the number of their devices.");
        api.MapGet("/suites", Suites).Requires(Act.ViewFleet).WithinGroups().Produces<SuiteListJson>().ProducesProblem(422).WithSummary("What suites the messages of each device use, and until when its manifest takes them; with `suite`, only devices that use it.");
        api.MapGet("/devices/{name}", Find).Requires(Act.ViewFleet).WithinGroups().Produces<DeviceJson>().ProducesProblem(404).WithSummary("One device.");
        api.MapPost("/devices", AddAsync).Requires(Act.ManageDevices).Produces<DeviceJson>(201).ProducesProblem(409).ProducesProblem(422)
            .WithSummary("Adds a device: certificate and key appear in device/NAME of the data directory.");
        api.MapPatch("/devices/{name}", ChangeAsync).Requires(Act.ManageDevices).Produces<DeviceJson>().ProducesProblem(404).ProducesProblem(412).WithSummary("Enables or disables a device, or replaces its commands, groups or tags.");
        api.MapGet("/devices/{name}/manifest", (string name, CommandCenter center, HttpContext context) => context.Sight(center).Has(name) && center.Manifests.Find(name) is { } found ? Results.Ok(found) : Problems.NotFound("manifest for this device"))
            .Requires(Act.ViewFleet).WithinGroups().Produces<DeviceManifest>().ProducesProblem(404).WithSummary("The newest signed manifest of a device.");
        api.MapPut("/devices/{name}/manifest", async (string name, NewManifestJson manifest, CommandCenter center, HttpContext context) => Problems.Answer(await center.Manifests.PushAsync(name, manifest.Manifest, manifest.Policy, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ManageDevices).Produces<DeviceManifest>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422).WithSummary("Pushes a manifest, signed elsewhere, to a device.");
        api.MapDelete("/devices/{name}", RemoveAsync).Requires(Act.ManageDevices).Confirmed().Produces<DeviceJson>().ProducesProblem(404).ProducesProblem(412).WithSummary("Revokes its certificates, cuts its sessions and forgets it.");
        api.MapGet("/devices/{name}/readings", ReadingsAsync).Requires(Act.ViewTelemetry).WithinGroups().Produces<ReadingListJson>().ProducesProblem(404)
            .WithSummary("The newest reading of each quantity; with `reading`, the readings of one quantity, oldest first.");
    }

    private static IResult Labels(FleetLabels all) => Results.Ok(new LabelsJson(all.Groups, all.Tags));

    private static IResult List(CommandCenter center, HttpContext context, string? search = null, string? select = null, string? after = null, int? limit = null)
    {
        IEnumerable<DeviceRecord> devices = context.Sight(center).Devices();
        if (select is not null)
        {
            if (!DeviceSelection.TryParse(select, out var selection, out var why)) return Problems.BadInput($"`select`: {why}.");
            devices = selection.Of(devices);
        }
        var (rows, next) = Paging.Page(DeviceSearch.Search(devices, search), device => device.Name, after, limit);
        return Results.Ok(new DeviceListJson([.. rows.Select(DeviceJson.Of)], next));
    }

    private static IResult Suites(CommandCenter center, HttpContext context, string? select = null, string? suite = null)
    {
        if (suite is not null && !DeviceSuites.Known.Contains(suite, StringComparer.Ordinal)) return Problems.BadInput($"`suite`: there is none of this name, only {string.Join(", ", DeviceSuites.Known)}.");
        IEnumerable<DeviceRecord> devices = context.Sight(center).Devices();
        if (select is not null)
        {
            if (!DeviceSelection.TryParse(select, out var selection, out var why)) return Problems.BadInput($"`select`: {why}.");
            devices = selection.Of(devices);
        }

        return Results.Ok(new SuiteListJson([.. devices.Select(device => center.Commands.SuitesOf(device.Name)).OfType<DeviceSuites>().Where(one => suite is null || one.Uses(suite))]));
    }

    private static IResult Find(string name, CommandCenter center, HttpContext context) => context.Sight(center).Device(name) is { } device ? Results.Ok(DeviceJson.Of(device)) : NoSuch(name);

    private static async Task<IResult> AddAsync(NewDeviceJson device, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Fleet.AddAsync(new(device.Name, device.Kind, device.Commands, device.Title ?? "") { SharedKey = device.SharedKey, Sealing = device.Sealing }, context.Actor(), context.RequestAborted),
            added => Results.Created($"{ApiRoutes.Prefix}/devices/{added.Name}", DeviceJson.Of(added)));

    private static async Task<IResult> ChangeAsync(string name, DeviceChangeJson change, CommandCenter center, HttpContext context)
    {
        if (change is { Enabled: null, Commands: null, Groups: null, Tags: null }) return Problems.BadInput("Nothing to change: give `enabled`, `commands`, `groups` or `tags`.");
        // Compared in the turn of each change, so that nobody comes between: pages and changes to many do not either. What this request changed itself is expected from then on.
        var expected = Expected(context);
        Outcome<DeviceRecord> outcome = default;
        if (change.Enabled is { } enabled) Done(await center.Fleet.SetEnabledAsync(name, enabled, context.Actor(), expected, context.RequestAborted));
        if (outcome.Refusal is null && change.Commands is { } commands) Done(await center.Fleet.SetAllowedCommandsAsync(name, commands, context.Actor(), expected, context.RequestAborted));
        if (outcome.Refusal is null && (change.Groups ?? change.Tags) is not null) Done(await center.Fleet.SetLabelsAsync(name, change.Groups, change.Tags, context.Actor(), expected, context.RequestAborted));
        return Problems.Answer(outcome, device => Results.Ok(DeviceJson.Of(device)));

        void Done(Outcome<DeviceRecord> came)
        {
            outcome = came;
            if (expected is null || !came.TryGet(out var device, out _)) return;
            var revision = ((IRevised)DeviceJson.Of(device)).Revision;
            expected = now => ((IRevised)DeviceJson.Of(now)).Revision == revision ? null : EntityTags.Changed;
        }
    }

    // Null without If-Match.
    private static Func<DeviceRecord, Refusal?>? Expected(HttpContext context)
        => context.Request.Headers.IfMatch.Count == 0 ? null : device => EntityTags.Late(context.Request, DeviceJson.Of(device));

    private static async Task<IResult> RemoveAsync(string name, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Fleet.RemoveAsync(name, context.Actor(), Expected(context), context.RequestAborted), device => Results.Ok(DeviceJson.Of(device)));

    private static async Task<IResult> ReadingsAsync(string name, CommandCenter center, HttpContext context, TimeProvider time, CancellationToken stop, string? reading = null, DateTimeOffset? from = null, DateTimeOffset? to = null)
    {
        if (context.Sight(center).Device(name) is null) return NoSuch(name);
        var now = time.GetUtcNow();
        var readings = reading is null
            ? await center.Fleet.LatestReadingsAsync(name, stop)
            : await center.Fleet.ReadingsAsync(name, reading, from ?? now.AddHours(-1), to ?? now.AddMinutes(1), stop);
        return Results.Ok(new ReadingListJson(name, [.. readings.Select(ReadingJson.Of)]));
    }

    private static IResult NoSuch(string name) => Problems.NotFound($"device '{(name.Length > 63 ? name[..63] : name)}'");
}
