namespace PromptToPrompt.Batch.Plans;

/// <summary>A line of a plan, whatever the file's format.</summary>
/// <param name="Number">Line of the file, from 1.</param>
/// <param name="Fields">The fields in their order. A field may occur several times.</param>
internal sealed record PlanLine(int Number, IReadOnlyList<PlanField> Fields);

/// <summary>A field of a line.</summary>
/// <param name="Name">Its key or the heading of its column.</param>
/// <param name="Values">Its value as text; several for an array.</param>
internal sealed record PlanField(string Name, IReadOnlyList<string> Values);
