using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>What came of a command.</summary>
public sealed class CommandOutcome
{
    private CommandOutcome(ReceiptState state, JsonObject result) => (State, Result) = (state, result);

    public ReceiptState State { get; }
    public JsonObject Result { get; }

    public static CommandOutcome Done(JsonObject? result = null) => new(ReceiptState.Executed, result ?? []);

    /// <param name="error">One line for the operator.</param>
    public static CommandOutcome Failed(string error) => new(ReceiptState.Failed, new JsonObject { ["error"] = error });

    internal static CommandOutcome Interrupted(string detail) => new(ReceiptState.Interrupted, new JsonObject { ["detail"] = detail });
}

/// <summary>A command on its way to a handler: it passed every check, and its beginning stands in the journal.</summary>
public sealed class CommandContext
{
    internal CommandContext(VerifiedCommand command, bool isRepeated)
    {
        Command = command;
        Arguments = command.Claims.Arguments.DeepClone().AsObject();
        IsRepeated = isRepeated;
    }

    public VerifiedCommand Command { get; }

    /// <summary>A copy of the handler's own.</summary>
    public JsonObject Arguments { get; }

    /// <summary>A number that the schema demanded.</summary>
    public double Number(string name) => Argument.NumberOf(Arguments[name]!.AsValue()) ?? throw new ArgumentException($"'{name}' is no number", nameof(name));

    /// <summary>True when an idempotent handler is run again because the device stopped in the middle of the first run.</summary>
    public bool IsRepeated { get; }

    /// <summary>Set by a handler to have the device come back as after switching it off and on, once the receipt is out.</summary>
    public bool RestartWanted { get; set; }
}

/// <summary>
/// One command a device can carry out. <c>Idempotent</c>: running it twice is as good as once, so after a crash in the middle it is run again
/// instead of answered <c>interrupted</c>. <c>TimeLimit</c>: when it is told to stop.
/// </summary>
public sealed record CommandHandler(
    string Command, ArgumentSchema Arguments, Func<CommandContext, CancellationToken, Task<CommandOutcome>> Run, bool Idempotent, TimeSpan TimeLimit)
{
    /// <summary>Runs on the thread that received the command, without a time limit: see <see cref="CommandHandlers.HandleQuick"/>.</summary>
    public bool IsQuick { get; init; }
}

/// <summary>What a device can do. Immutable: <c>new CommandHandlers().Handle("blink", ArgumentSchema.None, _ =&gt; CommandOutcome.Done())</c>.</summary>
public sealed class CommandHandlers
{
    private readonly ImmutableSortedDictionary<string, CommandHandler> _handlers;

    public CommandHandlers() : this(ImmutableSortedDictionary.Create<string, CommandHandler>(StringComparer.Ordinal)) { }

    private CommandHandlers(ImmutableSortedDictionary<string, CommandHandler> handlers) => _handlers = handlers;

    /// <summary>The commands, sorted.</summary>
    public IEnumerable<string> Commands => _handlers.Keys;

    /// <exception cref="ArgumentException">Not a command's name, or handled already.</exception>
    public CommandHandlers Handle(string command, ArgumentSchema arguments, Func<CommandContext, CancellationToken, Task<CommandOutcome>> run, bool idempotent = false, TimeSpan? timeLimit = null)
    {
        if (!Topics.IsWord(command)) throw new ArgumentException($"'{command}' is not a command's name", nameof(command));
        if (_handlers.ContainsKey(command)) throw new ArgumentException($"'{command}' has a handler already", nameof(command));
        return new(_handlers.Add(command, new(command, arguments, run, idempotent, timeLimit ?? AgentLimits.HandlerTime)));
    }

    public CommandHandlers Handle(string command, ArgumentSchema arguments, Func<CommandContext, CommandOutcome> run, bool idempotent = false) =>
        Handle(command, arguments, (context, _) => Task.FromResult(run(context)), idempotent);

    /// <summary>
    /// For what only sets or reads a value and is done in microseconds: it runs on the very thread that received the command, which wakes no other. It has no time limit: one that blocks keeps the device from taking
    /// anything else, and what may block belongs into <see cref="Handle(string, ArgumentSchema, Func{CommandContext, CommandOutcome}, bool)"/>.
    /// </summary>
    /// <inheritdoc cref="Handle(string, ArgumentSchema, Func{CommandContext, CancellationToken, Task{CommandOutcome}}, bool, TimeSpan?)" path="/exception"/>
    public CommandHandlers HandleQuick(string command, ArgumentSchema arguments, Func<CommandContext, CommandOutcome> run, bool idempotent = false)
    {
        var added = Handle(command, arguments, run, idempotent);
        return new(added._handlers.SetItem(command, added._handlers[command] with { IsQuick = true }));
    }

    internal bool TryFind(string command, [NotNullWhen(true)] out CommandHandler? handler) => _handlers.TryGetValue(command, out handler);
}
