using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class DeviceQueueTests
{
    [Fact]
    public async Task WhatFailsBetweenJobsIsToldAndDoesNotEndTheQueue()
    {
        var (told, after) = (new TaskCompletionSource<Exception>(), new TaskCompletionSource());
        await using var queue = new DeviceQueue(1, _ => "", told.SetResult);
        queue.RunBetweenJobs(() => throw new IOException("not freed"));
        queue.RunBetweenJobs(after.SetResult);
        Assert.Equal("not freed", (await told.Task).Message);
        await after.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(queue.IsAlive);
    }
}
