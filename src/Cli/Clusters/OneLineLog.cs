using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Cli.Printing;

namespace PromptToPrompt.Cli.Clusters;

/// <summary>Writes errors of a coordinator to standard error, one line each. The same error is repeated once a minute only.</summary>
internal sealed class OneLineLog : ILoggerProvider
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, long> written = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Write(string category, string message, Exception? problem)
    {
        var clock = TimeProvider.System;
        var cause = problem?.GetBaseException().Message.Split('\n')[0];
        // Numbers in a message differ from one time to the next.
        var key = $"{category} {problem?.GetBaseException().GetType().Name ?? message}";
        if (written.TryGetValue(key, out var last) && clock.GetElapsedTime(last) < Between)
            return;
        written[key] = clock.GetTimestamp();
        Console.Error.WriteLine(Printable.Line($"{clock.GetLocalNow():yyyy-MM-dd HH:mm:ss} {message.Split('\n')[0]}{(cause is null ? "" : $" ({cause})")}"));
    }

    private sealed class Logger(OneLineLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                log.Write(category, formatter(state, exception), exception);
        }
    }
}
