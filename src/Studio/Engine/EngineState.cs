namespace PromptToPrompt.Studio.Engine;

/// <summary>How the engine is.</summary>
/// <param name="IsAlive">Whether its thread still takes jobs.</param>
/// <param name="IsModelLoaded">Whether a model is in memory; it is loaded with the first picture.</param>
/// <param name="IsRunning">Whether a picture is being made.</param>
/// <param name="Waiting">Jobs that wait.</param>
/// <param name="SessionBytes">Memory of the recorded sources.</param>
public sealed record EngineState(bool IsAlive, bool IsModelLoaded, bool IsRunning, int Waiting, long SessionBytes);

/// <summary>A source that is recorded in memory, so that its edits need not run it.</summary>
/// <param name="Key">What it is kept under.</param>
/// <param name="Versions">Ids of the versions it is the source of; several where projects have the same picture.</param>
/// <param name="Bytes">Memory it takes.</param>
/// <param name="LastUsed">When it was last used.</param>
public sealed record RecordedSession(string Key, IReadOnlyList<string> Versions, long Bytes, DateTimeOffset LastUsed);
