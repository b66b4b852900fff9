using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class RecordingLimitTests
{
    private const long Gigabyte = 1L << 30;

    [Theory]
    [InlineData(64, 6)]
    [InlineData(8, 4)]
    public void ACpuRecordsInHalfOfItsMemoryAtMost(long machine, long expected) =>
        Assert.Equal(new RecordingLimit(expected * Gigabyte), RecordingLimit.For(free: null, machine * Gigabyte));

    [Theory]
    [InlineData(24, 20)]
    [InlineData(3, 0)]
    public void AGpuKeepsAReserveAndGoesOnInTheMemoryOfTheMachine(long free, long onDevice) =>
        Assert.Equal(new RecordingLimit(onDevice * Gigabyte, 32 * Gigabyte), RecordingLimit.For(free * Gigabyte, 64 * Gigabyte));
}
