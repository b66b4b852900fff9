namespace PromptToPrompt.Studio.Engine;

/// <summary>State of the engine.</summary>
/// <param name="IsAlive">Whether its thread is running.</param>
/// <param name="IsModelLoaded">Whether a model is in memory. The first picture loads it.</param>
/// <param name="IsRunning">Whether a picture is being made.</param>
/// <param name="Waiting">Number of waiting jobs.</param>
/// <param name="SessionBytes">Memory of the recorded sources.</param>
public sealed record EngineState(bool IsAlive, bool IsModelLoaded, bool IsRunning, int Waiting, long SessionBytes);

/// <summary>A recorded source in memory. Its edits need not run it again.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Versions">Ids of the versions with this picture; several if projects share it.</param>
/// <param name="Bytes">Memory it takes.</param>
/// <param name="LastUsed">When it was last used.</param>
public sealed record RecordedSession(string Key, IReadOnlyList<string> Versions, long Bytes, DateTimeOffset LastUsed);
